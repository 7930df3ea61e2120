"""Effects and verdicts on log ratios for which they can be worked out in another way."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.stats.hypothesis import (
    ComparisonTable,
    against_one_run,
    count_resolution,
    evaluate,
    evaluate_family,
    paired,
    unpaired,
)
from analysis.stats.power import minimum_detectable_log_ratio, spread_factor

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


def test_a_ratio_that_ties_in_all_blocks_has_the_p_of_the_sign_test():
    assert effect_of([0.0] * 4).verdict == "equivalent"
    effect = effect_of([math.log(0.5)] * 4)
    assert (effect.verdict, effect.interval, effect.p) == ("inconclusive", pytest.approx((0.5, 0.5)), 2 / 2**4)


def test_paired_counts_that_tie_have_the_standard_error_of_one_count():
    comparison = paired([math.log(3 / 2)] * 4, [1 / 2] * 4)
    assert comparison.std_error == pytest.approx(1 / 2 / 4)
    assert comparison.p == pytest.approx(2 * stats.t.sf(math.log(1.5) * 8, 3))
    assert paired(NOISE, 1e-6).std_error == pytest.approx(stats.sem(NOISE))


def test_unpaired_counts_that_tie_have_the_standard_error_of_one_count_on_each_side():
    comparison = unpaired([math.log(2)] * 4, [math.log(3)] * 5, ([1 / 2] * 4, [1 / 3] * 5))
    assert comparison.std_error == pytest.approx(math.hypot(1 / 2 / 4, 1 / 3 / 5))


def test_count_resolution_is_the_change_by_one_count_on_each_side():
    assert count_resolution([1, 2], [np.inf, 3]) == pytest.approx([1, math.hypot(1 / 2, 1 / 3)])


def test_against_one_run_has_the_variance_of_that_run_too():
    comparison = against_one_run(NOISE, 2, resolution=0.001)
    assert (comparison.df, comparison.mean) == (3, NOISE.mean())
    assert comparison.std_error == pytest.approx(NOISE.std(ddof=1) * math.sqrt(2 + 1 / 4))
    assert against_one_run([0.0] * 4, 1, resolution=0.02).p_equivalence(0.1) == pytest.approx(
        2 * stats.norm.sf(5), rel=1e-3
    )


def test_evaluate_family_corrects_over_all_tables():
    tables = [ComparisonTable({name: paired(logs)}, 0.01) for name, logs in (("halved", HALVED), ("noise", NOISE))]
    (halved,), (noise,) = evaluate_family(tables)
    assert (halved.p_holm, noise.p_holm) == (pytest.approx(2 * halved.p), noise.p)
    similar = [ComparisonTable({str(n): paired(3 * SAME)}, 0.10) for n in range(20)]
    assert evaluate_family(similar[:1])[0][0].verdict == "equivalent"
    assert {effect.verdict for (effect,) in evaluate_family(similar)} == {"inconclusive"}


def test_p_equivalence_is_at_the_level_where_the_interval_ends_at_the_margin():
    comparison = paired(NOISE)
    log_margin = abs(comparison.mean) + comparison.half_width(0.95)
    assert comparison.p_equivalence(log_margin) == pytest.approx(0.05)


def test_minimum_detectable_effect_is_at_the_level_of_the_step_and_the_upper_bound_of_the_spread():
    comparisons = {"halved": paired(HALVED), "noise": paired(NOISE), "more noise": paired(NOISE[::-1])}
    halved, *noise = evaluate(comparisons, equivalence_margin=0.01)
    for effect, change, step in ((halved, paired(HALVED), 3), (noise[0], paired(NOISE), 2)):
        upper = change.std_error * spread_factor(3)
        expected = math.exp(minimum_detectable_log_ratio(upper, 3, 0.05 / step))
        assert effect.minimum_detectable_effect == pytest.approx(expected)
