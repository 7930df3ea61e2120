"""Looks at a growing experiment: levels that add up, and error rates over all looks in drawn experiments.

`SIMULATED_EXPERIMENTS=40000` draws more experiments than the suite has time for, and prints the table of
docs/METHODS.md.
"""

import math
import os
from typing import NamedTuple

import numpy as np
import pytest

from analysis.stats.block_model import BlockModel
from analysis.stats.group_sequential import Looks
from analysis.stats.hypothesis import ComparisonTable, evaluate_family, paired

EXPERIMENTS = int(os.environ.get("SIMULATED_EXPERIMENTS", "600"))
MARGIN = 0.10
DESIGNS = {"4, 8": Looks((4, 8)), "4, 8, 12, 16": Looks.every(4, 16), "each block from 4 to 16": Looks.every(1, 16)}


def test_the_shares_of_all_looks_add_up_to_alpha():
    for looks in DESIGNS.values():
        assert sum(looks.alpha_at(blocks) for blocks in looks.blocks) == pytest.approx(0.05)


def test_levels_are_those_of_the_spending_function():
    looks = Looks.every(4, 16)
    assert looks.blocks == (4, 8, 12, 16)
    assert [looks.alpha_at(blocks) for blocks in looks.blocks] == pytest.approx([0.05 * n / 16 for n in (1, 3, 5, 7)])
    assert looks.level_at(6) == looks.level_at(8)
    assert looks.level_at(99) == looks.level_at(16)
    assert [looks.after(blocks) for blocks in (0, 4, 5, 16)] == [4, 8, 8, None]


def test_a_single_look_is_a_fixed_experiment():
    assert Looks((8,)).level_at(8) == pytest.approx(0.95)


@pytest.mark.parametrize("blocks", [(), (3, 8), (8, 4), (4, 4)])
def test_looks_that_are_none_are_refused(blocks):
    with pytest.raises(ValueError, match="looks are ascending numbers of blocks from 4 on"):
        Looks(blocks)


class Outcome(NamedTuple):
    """Shares of drawn experiments: with a difference, with an equivalence, with an interval that missed the truth at
    any look; and the mean number of blocks at which each was decided."""

    difference: float
    equivalent: float
    missed: float
    blocks: float


def stopped(looks, log_ratio, spread, arms=1, number=EXPERIMENTS, seed=17, factor=1.0):
    """Draw experiments in which every arm differs from the baseline, which runs twice in a block, by `log_ratio`, and
    stop each at the first look at which all arms have a verdict. The first arm scatters by `factor` times the spread.
    """
    random = np.random.default_rng(seed)
    results = [_experiment(looks, log_ratio, spread, arms, random, factor) for _ in range(number)]
    return Outcome(*np.mean(results, axis=0).tolist())


def _experiment(looks, log_ratio, spread, arms, random, factor):
    logs = random.normal(0, 0.10, (looks.last, 1)) + random.normal(0, spread, (looks.last, arms + 2))
    logs[:, 2] += random.normal(0, spread * math.sqrt(factor**2 - 1), looks.last)
    logs[:, 2:] += log_ratio
    names = ["baseline", "baseline", *(f"arm {number}" for number in range(arms))]
    missed, verdicts, blocks = False, [], looks.last
    for blocks in looks.blocks:
        model = BlockModel.of_runs(names * blocks, np.repeat(range(blocks), arms + 2), np.exp(logs[:blocks]).ravel())
        compared = {
            name: model.compare(paired(logs[:blocks, place] - logs[:blocks, :2].mean(axis=1)), "baseline", name)
            for place, name in enumerate(names[2:], start=2)
        }
        effects = evaluate_family([ComparisonTable(compared, MARGIN)], looks.level_at(blocks))[0]
        missed |= any(not effect.low <= math.exp(log_ratio) <= effect.high for effect in effects)
        verdicts = [effect.verdict for effect in effects]
        if "inconclusive" not in verdicts:
            break
    differs = any(verdict in ("improvement", "regression") for verdict in verdicts)
    return differs, "equivalent" in verdicts, missed, blocks


def most(share, number=EXPERIMENTS):
    """The largest share that is compatible with this one."""
    return share + 3 * math.sqrt(share * (1 - share) / number)


@pytest.mark.simulated
@pytest.mark.parametrize(("arms", "factor"), [(1, 1.0), (6, 1.0), (6, 3.0)])
@pytest.mark.parametrize("design", DESIGNS)
def test_error_rates_over_all_looks(design, arms, factor):
    looks = DESIGNS[design]
    alarm = stopped(looks, 0.0, 0.06, arms, factor=factor)
    at_margin = stopped(looks, math.log1p(MARGIN), 0.03, arms, factor=factor)
    print(
        f"{design}, {arms} arms, the first × {factor:g}: false difference {alarm.difference:.1%}, false equivalence "
        f"{at_margin.equivalent:.1%}, an interval at any look misses {alarm.missed / arms:.1%} (mean of the arms)"
    )
    assert alarm.difference <= most(0.05)
    assert at_margin.equivalent <= most(0.025)
    assert alarm.missed / arms <= most(0.05)


@pytest.mark.simulated
def test_looking_at_the_level_of_a_fixed_experiment_errs_more_often():
    """The negative control."""

    class Unadjusted(Looks):
        def level_at(self, blocks):
            return self.level

    naive = stopped(Unadjusted(tuple(range(4, 17))), 0.0, 0.10, number=min(EXPERIMENTS, 2000))
    assert naive.difference > 0.08


@pytest.mark.simulated
def test_clear_cases_take_fewer_blocks_than_the_largest_experiment():
    looks = DESIGNS["4, 8, 12, 16"]
    for log_ratio, spread in ((0.0, 0.03), (math.log(1.5), 0.10), (math.log(1.2), 0.10)):
        outcome = stopped(looks, log_ratio, spread, number=min(EXPERIMENTS, 2000))
        decided = outcome.difference + outcome.equivalent
        print(f"ratio {math.exp(log_ratio):.2f}, spread {spread}: decided {decided:.0%}, {outcome.blocks:.1f} blocks")
        assert decided > 0.95
        assert outcome.blocks < 10
