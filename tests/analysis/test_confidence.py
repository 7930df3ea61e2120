"""Intervals of values for which they can be worked out by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.stats.confidence import clopper_pearson, log_mean_ci, proportion_ci


def test_log_mean_ci_without_a_pooled_value_is_the_interval_of_the_mean_logarithm():
    estimate = log_mean_ci([1.0, 2.0, 4.0, 8.0])
    logs = np.log([1.0, 2.0, 4.0, 8.0])
    low, high = stats.t.interval(0.95, 3, loc=logs.mean(), scale=stats.sem(logs))
    assert estimate.value == pytest.approx(2**1.5)
    assert estimate.interval == pytest.approx((math.exp(low), math.exp(high)))
    assert estimate.blocks == 4


def test_log_mean_ci_with_a_pooled_value_is_around_that_value():
    estimate = log_mean_ci([90.0, 100.0, 110.0, 100.0], pooled=120.0)
    spread = math.sqrt(sum(math.log(value / 120) ** 2 for value in (90, 100, 110, 100)) / 3 / 4)
    assert estimate.value == 120.0
    assert estimate.high / 120 == pytest.approx(math.exp(stats.t.ppf(0.975, 3) * spread))
    assert estimate.low * estimate.high == pytest.approx(120**2)


@pytest.mark.parametrize("blocks", [1, 3])
def test_an_estimate_of_fewer_than_four_blocks_has_no_interval(blocks):
    for estimate in (log_mean_ci([5.0] * blocks), proportion_ci([1] * blocks, [10] * blocks)):
        assert estimate.interval is None
        assert estimate.blocks == blocks
    assert log_mean_ci([5.0] * blocks).value == pytest.approx(5)


@pytest.mark.parametrize("values", [[], [1.0, 0.0], [1.0, -1.0], [1.0, float("nan")], [1.0, float("inf")]])
def test_log_mean_ci_of_values_without_a_logarithm_is_refused(values):
    with pytest.raises(ValueError, match="positive values"):
        log_mean_ci(values)


def test_proportion_ci_without_a_failure_has_an_upper_end_above_zero():
    estimate = proportion_ci([0, 0, 0, 0], [25, 25, 25, 25])
    assert estimate.value == 0
    assert estimate.low == 0
    assert estimate.high == pytest.approx(1 - 0.025 ** (1 / 100))


def test_proportion_ci_of_failures_in_one_block_is_wider():
    even, in_one_block = proportion_ci([10] * 4, [100] * 4), proportion_ci([40, 0, 0, 0], [100] * 4)
    assert even.value == in_one_block.value == 0.1
    assert even.interval == pytest.approx(clopper_pearson(40, 400))
    assert in_one_block.low == 0
    assert in_one_block.high > 2 * even.high


def test_clopper_pearson_is_the_exact_interval_of_scipy():
    for successes, trials in ((0, 10), (3, 10), (10, 10)):
        exact = stats.binomtest(successes, trials).proportion_ci(0.95, "exact")
        assert clopper_pearson(successes, trials) == pytest.approx((exact.low, exact.high))


def test_proportion_ci_of_no_requests_is_refused():
    with pytest.raises(ValueError, match="no requests"):
        proportion_ci([0], [0])
