"""Effects and verdicts on log ratios for which they can be worked out in another way."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.stats.hypothesis import (
    blocks_required,
    equivalence_power,
    evaluate,
    minimum_detectable_log_ratio,
    paired,
    power,
    unpaired,
)

HALVED = np.log([0.48, 0.50, 0.52, 0.50])
NOISE = np.log([0.8, 1.3, 0.9, 1.2])
SAME = np.log([0.99, 1.01, 1.0, 1.0])


def effect_of(logs, **options):
    return evaluate({"change": paired(logs)}, **({"equivalence_margin": 0.10} | options))[0]


def test_paired_gives_the_ratio_interval_and_p_of_the_paired_t_test():
    effect, expected = effect_of(HALVED), stats.ttest_1samp(HALVED, 0)
    low, high = expected.confidence_interval(0.95)
    assert effect.ratio == pytest.approx(math.exp(HALVED.mean()))
    assert effect.interval == pytest.approx((math.exp(low), math.exp(high)))
    assert effect.p == pytest.approx(expected.pvalue)
    assert effect.blocks == 4


def test_unpaired_gives_the_p_df_and_interval_of_welch():
    before, after = np.log([10.0, 11.0, 9.0, 10.5, 12.0]), np.log([5.0, 5.2, 4.9, 5.1])
    change, expected = unpaired(before, after), stats.ttest_ind(after, before, equal_var=False)
    assert change.p == pytest.approx(expected.pvalue)
    assert change.df == pytest.approx(expected.df)
    assert change.blocks == 4
    low, high = expected.confidence_interval(0.95)
    assert (change.mean - change.half_width(0.95), change.mean + change.half_width(0.95)) == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("logs", "lower_is_better", "verdict"),
    [
        (HALVED, True, "improvement"), (HALVED, False, "regression"),
        (-HALVED, True, "regression"), (-HALVED, False, "improvement"),
        (SAME, True, "equivalent"), (NOISE, True, "inconclusive"),
    ],
)  # fmt: skip
def test_verdict_follows_from_the_interval_and_the_better_direction(logs, lower_is_better, verdict):
    assert effect_of(logs, lower_is_better=lower_is_better).verdict == verdict


def test_a_certain_difference_within_the_margin_is_equivalent():
    assert effect_of(np.log([0.97, 0.971, 0.969, 0.97])).verdict == "equivalent"
    assert effect_of(np.log([0.97, 0.971, 0.969, 0.97]), equivalence_margin=0.01).verdict == "improvement"


def test_fewer_than_four_blocks_have_a_ratio_and_are_inconclusive():
    effect = effect_of(HALVED[:3])
    assert effect.verdict == "inconclusive"
    assert effect.ratio == pytest.approx(math.exp(HALVED[:3].mean()))
    assert (effect.interval, effect.p) == (None, None)
    assert (effect.minimum_detectable_effect, effect.blocks_required) == (None, None)


def test_holm_corrects_over_the_table_in_the_order_of_the_p_values():
    changes = {"noise": NOISE, "halved": HALVED, "shifted": np.log([0.78, 0.9, 0.84, 0.86])}
    effects = evaluate({name: paired(logs) for name, logs in changes.items()}, equivalence_margin=0.01)
    p = [stats.ttest_1samp(logs, 0).pvalue for logs in changes.values()]
    assert [effect.name for effect in effects] == list(changes)
    assert [effect.p_holm for effect in effects] == pytest.approx([p[0], 3 * p[1], 2 * p[2]])
    assert [effect.verdict for effect in effects] == ["inconclusive", "improvement", "improvement"]


def test_an_effect_of_one_comparison_is_inconclusive_in_a_table_of_ten():
    weak = np.log([0.8, 0.9, 0.86, 0.84])
    single = effect_of(weak, equivalence_margin=0.01)
    comparisons = {"weak": paired(weak), **{f"noise {n}": paired(NOISE) for n in range(9)}}
    one_of_ten = evaluate(comparisons, equivalence_margin=0.01)[0]
    assert single.verdict == "improvement"
    assert one_of_ten.verdict == "inconclusive"
    assert one_of_ten.interval == single.interval
    assert one_of_ten.minimum_detectable_effect > single.minimum_detectable_effect


def test_holm_leaves_out_a_change_with_too_few_blocks():
    pair = evaluate({"halved": paired(HALVED), "few": paired(HALVED[:2])}, equivalence_margin=0.01)
    assert pair[0].p_holm == pair[0].p


def test_a_count_without_noise_is_decided():
    assert effect_of([0.0] * 4).verdict == "equivalent"
    fewer = effect_of([math.log(0.5)] * 4)
    assert (fewer.verdict, fewer.interval, fewer.p) == ("improvement", pytest.approx((0.5, 0.5)), 0.0)
    assert fewer.minimum_detectable_effect == 1.0


def test_power_is_that_of_the_noncentral_t():
    assert power(0.2, 0.05, 5, 0.05) == pytest.approx(
        stats.nct.sf(stats.t.ppf(0.975, 5), 5, 4) + stats.nct.cdf(-stats.t.ppf(0.975, 5), 5, 4)
    )


def test_minimum_detectable_effect_has_its_power_and_falls_with_more_blocks():
    change = paired(NOISE)
    assert power(minimum_detectable_log_ratio(change, 0.05), change.std_error, change.df, 0.05) == pytest.approx(0.80)
    assert minimum_detectable_log_ratio(paired(np.tile(NOISE, 3)), 0.05) < minimum_detectable_log_ratio(change, 0.05)


def test_blocks_required_reach_both_powers_and_one_block_fewer_does_not():
    change, log_margin = paired(NOISE), math.log(1.3)
    blocks = blocks_required(change, log_margin, 0.05)
    errors = [change.std_error * math.sqrt(4 / number) for number in (blocks - 1, blocks)]
    powers = [
        min(float(power(log_margin, error, df, 0.05)), float(equivalence_power(log_margin, error, df, 0.95)))
        for error, df in zip(errors, [blocks - 2, blocks - 1], strict=True)
    ]
    assert powers[0] < 0.80 <= powers[1]
    assert blocks_required(change, 1e-4, 0.05) is None


def test_equivalence_power_is_the_share_of_drawn_experiments_called_equivalent():
    random, blocks, deviation, log_margin = np.random.default_rng(3), 8, 0.1, math.log(1.15)
    drawn = random.normal(0, deviation, (20_000, blocks))
    half_widths = stats.t.ppf(0.975, blocks - 1) * drawn.std(axis=1, ddof=1) / math.sqrt(blocks)
    called_equivalent = (np.abs(drawn.mean(axis=1)) + half_widths <= log_margin).mean()
    assert equivalence_power(log_margin, deviation / math.sqrt(blocks), blocks - 1, 0.95) == pytest.approx(
        called_equivalent, abs=0.05
    )
    assert equivalence_power(0.01, deviation, blocks - 1, 0.95) == 0


def test_minimum_detectable_effect_is_at_the_level_of_the_step():
    comparisons = {"halved": paired(HALVED), "noise": paired(NOISE), "more noise": paired(NOISE[::-1])}
    halved, *noise = evaluate(comparisons, equivalence_margin=0.01)
    first_step = math.exp(minimum_detectable_log_ratio(paired(HALVED), 0.05 / 3))
    assert halved.minimum_detectable_effect == pytest.approx(first_step)
    second_step = math.exp(minimum_detectable_log_ratio(paired(NOISE), 0.05 / 2))
    for effect in noise:
        assert effect.minimum_detectable_effect == pytest.approx(second_step)
