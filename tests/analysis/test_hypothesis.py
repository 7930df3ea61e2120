"""Effects and verdicts on log ratios for which they can be worked out in another way."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.stats.hypothesis import blocks_needed, detectable, equivalence_power, paired, power, table, unpaired

HALVED = np.log([0.48, 0.50, 0.52, 0.50])
NOISE = np.log([0.8, 1.3, 0.9, 1.2])
SAME = np.log([0.99, 1.01, 1.0, 1.0])


def one(logs, **how):
    return table({"it": paired(logs)}, **({"band": 0.10} | how))[0]


def test_the_ratio_its_interval_and_its_p_are_those_of_the_paired_t_test():
    found, expected = one(HALVED), stats.ttest_1samp(HALVED, 0)
    low, high = expected.confidence_interval(0.95)
    assert found.ratio == pytest.approx(math.exp(HALVED.mean()))
    assert found.interval == pytest.approx((math.exp(low), math.exp(high)))
    assert found.p == pytest.approx(expected.pvalue)
    assert found.blocks == 4


def test_two_sides_apart_are_as_welch_has_them():
    before, after = np.log([10.0, 11.0, 9.0, 10.5, 12.0]), np.log([5.0, 5.2, 4.9, 5.1])
    change, expected = unpaired(before, after), stats.ttest_ind(after, before, equal_var=False)
    assert change.p == pytest.approx(expected.pvalue)
    assert change.freedom == pytest.approx(expected.df)
    assert change.blocks == 4
    low, high = expected.confidence_interval(0.95)
    assert (change.mean - change.reach(0.95), change.mean + change.reach(0.95)) == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("logs", "lower_is_better", "verdict"),
    [
        (HALVED, True, "gain"), (HALVED, False, "loss"), (-HALVED, True, "loss"), (-HALVED, False, "gain"),
        (SAME, True, "same"), (NOISE, True, "undecided"),
    ],
)  # fmt: skip
def test_a_verdict_follows_from_the_interval_and_what_is_better(logs, lower_is_better, verdict):
    assert one(logs, lower_is_better=lower_is_better).verdict == verdict


def test_what_differs_surely_but_by_less_than_the_band_is_the_same():
    assert one(np.log([0.97, 0.971, 0.969, 0.97])).verdict == "same"
    assert one(np.log([0.97, 0.971, 0.969, 0.97]), band=0.01).verdict == "gain"


def test_fewer_than_four_blocks_have_a_ratio_and_no_verdict():
    found = one(HALVED[:3])
    assert found.verdict == "undecided"
    assert found.ratio == pytest.approx(math.exp(HALVED[:3].mean()))
    assert (found.interval, found.p, found.detectable, found.blocks_needed) == (None, None, None, None)


def test_holm_corrects_over_the_table_in_the_order_of_the_p_values():
    changes = {"noise": NOISE, "halved": HALVED, "shifted": np.log([0.78, 0.9, 0.84, 0.86])}
    found = table({name: paired(logs) for name, logs in changes.items()}, band=0.01)
    p = [stats.ttest_1samp(logs, 0).pvalue for logs in changes.values()]
    assert [effect.name for effect in found] == list(changes)
    assert [effect.p_holm for effect in found] == pytest.approx([p[0], 3 * p[1], 2 * p[2]])
    assert [effect.verdict for effect in found] == ["undecided", "gain", "gain"]


def test_what_one_comparison_shows_a_table_of_many_need_not():
    weak = np.log([0.8, 0.9, 0.86, 0.84])
    alone = one(weak, band=0.01)
    many = table({"weak": paired(weak), **{f"noise {n}": paired(NOISE) for n in range(9)}}, band=0.01)[0]
    assert alone.verdict == "gain"
    assert many.verdict == "undecided"
    assert many.interval == alone.interval
    assert many.detectable > alone.detectable


def test_a_change_with_too_few_blocks_does_not_count_in_the_correction():
    pair = table({"halved": paired(HALVED), "few": paired(HALVED[:2])}, band=0.01)
    assert pair[0].p_holm == pair[0].p


def test_a_count_without_any_chance_in_it_is_decided():
    assert one([0.0] * 4).verdict == "same"
    fewer = one([math.log(0.5)] * 4)
    assert (fewer.verdict, fewer.interval, fewer.p) == ("gain", pytest.approx((0.5, 0.5)), 0.0)
    assert fewer.detectable == 1.0


def test_power_is_that_of_the_noncentral_t():
    assert power(0.2, 0.05, 5, 0.05) == pytest.approx(
        stats.nct.sf(stats.t.ppf(0.975, 5), 5, 4) + stats.nct.cdf(-stats.t.ppf(0.975, 5), 5, 4)
    )


def test_the_detectable_effect_has_its_power_and_more_blocks_find_less():
    change = paired(NOISE)
    assert power(detectable(change, 0.05), change.error, change.freedom, 0.05) == pytest.approx(0.80)
    assert detectable(paired(np.tile(NOISE, 3)), 0.05) < detectable(change, 0.05)


def test_the_blocks_that_are_needed_find_it_or_that_there_is_none_and_one_fewer_do_not():
    change, band = paired(NOISE), math.log(1.3)
    blocks = blocks_needed(change, band, 0.05)
    errors = [change.error * math.sqrt(4 / number) for number in (blocks - 1, blocks)]
    freedom = [blocks - 2, blocks - 1]
    powers = [
        min(float(power(band, *of, 0.05)), float(equivalence_power(band, *of, 0.95)))
        for of in zip(errors, freedom, strict=True)
    ]
    assert powers[0] < 0.80 <= powers[1]
    assert blocks_needed(change, 1e-4, 0.05) is None


def test_two_that_are_the_same_are_called_that_as_often_as_is_said():
    random, blocks, deviation, band = np.random.default_rng(3), 8, 0.1, math.log(1.15)
    drawn = random.normal(0, deviation, (20_000, blocks))
    reach = stats.t.ppf(0.975, blocks - 1) * drawn.std(axis=1, ddof=1) / math.sqrt(blocks)
    called_the_same = (np.abs(drawn.mean(axis=1)) + reach <= band).mean()
    assert equivalence_power(band, deviation / math.sqrt(blocks), blocks - 1, 0.95) == pytest.approx(
        called_the_same, abs=0.05
    )
    assert equivalence_power(0.01, deviation, blocks - 1, 0.95) == 0


def test_what_would_be_found_is_at_the_level_that_is_left():
    found = table({"halved": paired(HALVED), "noise": paired(NOISE), "more noise": paired(NOISE[::-1])}, band=0.01)
    assert found[0].detectable == pytest.approx(math.exp(detectable(paired(HALVED), 0.05 / 3)))
    for effect in found[1:]:
        assert effect.detectable == pytest.approx(math.exp(detectable(paired(NOISE), 0.05 / 2)))
