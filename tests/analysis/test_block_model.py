"""The model of blocks: its variances, and the standard errors and degrees of freedom that comparisons get from it."""

import math
from dataclasses import replace

import numpy as np
import pytest

from analysis.stats.block_model import BlockDesign, BlockModel
from analysis.stats.hypothesis import paired

BLOCKS = 4
SPREADS = {"base": 0.05, "fast": 0.05, "noisy": 0.15, "quiet": 0.02}


def runs_of(arms=("fast", "noisy", "quiet"), blocks=BLOCKS, replicates=2):
    """Names and blocks of the runs of a baseline, `replicates` times in each block, and of arms."""
    cells = [(name, block) for block in range(blocks) for name in ("base",) * replicates + arms]
    return [name for name, _ in cells], [block for _, block in cells]


def drawn(names, blocks, seed=1):
    """Values with an effect of each block and noise that depends on the treatment."""
    random = np.random.default_rng(seed)
    effects = random.normal(0.0, 0.3, max(blocks) + 1)
    return np.exp(effects[blocks] + random.normal(0.0, [SPREADS.get(name, 0.05) for name in names]))


def pairs(names, blocks, values, after):
    """The paired comparison of an arm with the baseline, in the blocks that have both."""
    logs, names, blocks = np.log(values), np.array(names), np.array(blocks)
    common = sorted(set(blocks[names == "base"]) & set(blocks[names == after]))
    sides = [[logs[(names == name) & (blocks == block)].mean() for block in common] for name in ("base", after)]
    return paired(np.subtract(sides[1], sides[0]))


def compared(names, blocks, values, after="fast"):
    own = pairs(names, blocks, values, after)
    return own, BlockModel.of_runs(names, blocks, values).compare(own, "base", after)


def test_residuals_have_neither_treatments_nor_blocks():
    names, blocks = runs_of()
    design = BlockModel.of_runs(names, blocks, np.ones(len(names))).design
    by_treatment = np.array([{"base": 1.0, "fast": 5.0, "noisy": -2.0, "quiet": 0.5}[name] for name in names])
    by_block = np.array([3.0, -1.0, 2.0, 7.0])[blocks]
    assert design.residual_maker @ (by_treatment + by_block) == pytest.approx(np.zeros(len(names)), abs=1e-12)
    assert design.residual_df == pytest.approx(len(names) - 4 - BLOCKS + 1)


def test_variances_of_arms_that_ran_once_in_each_block_are_those_of_grubbs():
    """σ̂²_g = N/(N − 2)·(S_g − Σ S/(N(N − 1))), S_g the residual sum of squares over k − 1 (Grubbs 1948)."""
    names, blocks = runs_of(arms=("a", "b", "c", "d"), replicates=1)
    values = drawn(names, blocks)
    table = np.log(values).reshape(BLOCKS, 5)
    residuals = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
    squares = np.square(residuals).sum(axis=0) / (BLOCKS - 1)
    expected = 5 / 3 * (squares - squares.sum() / 20)
    model = BlockModel.of_runs(names, blocks, values)
    assert model.names == ("a", "b", "base", "c", "d")
    assert model.variances == pytest.approx(np.maximum(expected, 0)[[1, 2, 0, 3, 4]])


@pytest.mark.parametrize("dropped", [(), (0, 7, 13)])
def test_variances_are_unbiased_where_arms_scatter_differently(dropped):
    names, blocks = (np.delete(each, dropped) for each in runs_of())
    spreads = np.array([SPREADS[name] for name in names])
    model = BlockModel.of_runs(names, blocks, np.ones(len(names)))
    maker = model.design.residual_maker
    expected_squares = np.diag(maker * spreads**2 @ maker) @ model.design.members
    assert model.design.solver @ expected_squares == pytest.approx([SPREADS[name] ** 2 for name in model.names])


def test_variance_and_df_of_a_mean_are_those_of_many_drawn_experiments():
    names, blocks = runs_of(arms=("a", "b", "c", "d", "e", "f", "g", "h"), blocks=12)
    models = [BlockModel.of_runs(names, blocks, drawn(names, blocks, seed)) for seed in range(400)]
    weights = np.where(np.array(models[0].names) == "a", 1 / 12, 0.0) + np.where(
        np.array(models[0].names) == "base", 1 / 24, 0.0
    )
    variances = np.array([weights @ model.variances for model in models])
    assert variances.mean() == pytest.approx(0.05**2 * (1 / 12 + 1 / 24), rel=0.05)
    nominal = [compared(names, blocks, drawn(names, blocks, seed), "a")[1].df for seed in range(400)]
    observed = 2 * variances.mean() ** 2 / variances.var(ddof=1)
    assert np.median(nominal) == pytest.approx(observed + 1 - 2 / 9, rel=0.2)


def test_effects_of_blocks_and_of_arms_do_not_change_a_standard_error():
    names, blocks = runs_of()
    values = drawn(names, blocks)
    factors = np.array([1.0, 3.0, 0.2, 1.3])[blocks] * np.where(np.array(names) == "noisy", 20.0, 1.0)
    first, second = (compared(names, blocks, each)[1] for each in (values, values * factors))
    assert (second.std_error, second.df) == (pytest.approx(first.std_error), pytest.approx(first.df))


@pytest.mark.parametrize("seed", range(20))
def test_a_comparison_has_at_least_the_error_of_its_pairs_and_no_more_df_than_the_table(seed):
    names, blocks = runs_of()
    values = drawn(names, blocks, seed)
    for after in ("fast", "noisy", "quiet"):
        own, comparison = compared(names, blocks, values, after)
        assert (comparison.mean, comparison.blocks) == (own.mean, own.blocks)
        assert comparison.std_error >= own.std_error
        assert own.df <= comparison.df <= len(names) - 4 - BLOCKS + 1


def test_an_arm_that_scatters_most_has_fewer_degrees_of_freedom_than_one_among_its_like():
    names, blocks = runs_of(arms=("noisy", *"abcdefg"))
    alike, _ = runs_of(arms=tuple("abcdefgh"))
    noisy, like = (
        np.median([compared(each, blocks, drawn(each, blocks, seed), after)[1].df for seed in range(60)])
        for each, after in ((names, "noisy"), (alike, "a"))
    )
    assert BLOCKS - 1 <= noisy < 4.5 < 5 < like


@pytest.mark.parametrize(
    ("arms", "replicates"),
    [(("fast",), 2), (("fast",), 1), (("fast", "noisy", "quiet"), 1)],
    ids=["one arm", "one pair", "baseline without replicates"],
)
def test_pairs_decide_where_the_model_knows_no_more(arms, replicates):
    names, blocks = runs_of(arms, replicates=replicates)
    own, comparison = compared(names, blocks, drawn(names, blocks))
    assert comparison == own


def test_pairs_decide_where_nothing_scatters():
    names, blocks = runs_of()
    own, comparison = compared(names, blocks, np.where(np.array(names) == "fast", 1.1, 3.3))
    assert comparison == own
    assert own.std_error == pytest.approx(0, abs=1e-15)


def test_an_arm_that_scatters_least_is_compared_among_arms_that_scatter():
    names, blocks = runs_of()
    is_exact = np.isin(names, ["base", "fast"])
    own, comparison = compared(names, blocks, np.where(is_exact, 3.0, drawn(names, blocks)))
    assert own.std_error == 0
    assert math.isfinite(comparison.std_error)
    assert comparison.p == 1


def test_missing_runs_leave_the_mean_of_the_blocks_that_have_both():
    names, blocks = (list(np.delete(each, [0, 1, 17])) for each in runs_of(blocks=6))
    values = drawn(names, blocks)
    own, comparison = compared(names, blocks, values)
    assert comparison.blocks == 4
    coefficients = BlockModel.of_runs(names, blocks, values).design.coefficients(0, 1)
    assert coefficients @ np.log(values) == pytest.approx(own.mean)


def test_arms_of_fewer_blocks_are_compared_in_the_blocks_that_they_have():
    cells = [(name, block) for block in range(8) for name in ("base", "base", "fast", "noisy", "quiet")]
    cells = [(name, block) for name, block in cells if name != "quiet" or block < 4]
    names, blocks = ([cell[part] for cell in cells] for part in (0, 1))
    values = drawn(names, blocks)
    own, comparison = compared(names, blocks, values, "quiet")
    assert (own.blocks, comparison.blocks) == (4, 4)
    assert comparison.df > own.df == 3


def test_arms_that_share_no_block_with_the_others_are_compared_in_pairs():
    names, blocks = runs_of(arms=("fast",))
    others, later = runs_of(arms=("noisy",))
    renamed = ["other" if name == "base" else name for name in others]
    all_names, all_blocks = names + renamed, blocks + [block + BLOCKS for block in later]
    values = drawn(all_names, all_blocks)
    own, comparison = compared(all_names, all_blocks, values)
    assert comparison.std_error >= own.std_error


def test_a_treatment_that_is_not_in_the_model_keeps_its_pairs():
    names, blocks = runs_of()
    own = pairs(names, blocks, drawn(names, blocks), "fast")
    assert BlockModel.of_runs(names, blocks, drawn(names, blocks)).compare(own, "base", "absent") == own
    assert BlockModel.of_runs([], [], []).compare(own, "base", "fast") == own


def test_the_resolution_of_counts_is_the_least_standard_error():
    names, blocks = runs_of()
    values = drawn(names, blocks)
    own = replace(pairs(names, blocks, values, "fast"), std_error=0.5)
    assert BlockModel.of_runs(names, blocks, values).compare(own, "base", "fast").std_error == 0.5


def test_designs_are_compared_by_identity_and_runs_of_the_same_arms_share_one():
    names, blocks = runs_of()
    first, second = (BlockModel.of_runs(names, blocks, drawn(names, blocks, seed)) for seed in (1, 2))
    assert first.design is second.design
    assert BlockDesign(first.design.treatments, first.design.blocks) != first.design
