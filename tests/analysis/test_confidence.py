"""Intervals of values for which they can be worked out by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.stats.confidence import clopper_pearson, log_mean_ci, noise_floor, proportion_ci, sectioning_ci


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


@pytest.mark.parametrize("failures", [[0, 0, 0, 0], [25, 25, 25, 25], [9, 0, 3, 1], [25, 22, 24, 19]])
def test_proportion_ci_has_no_interval_where_a_block_has_only_one_outcome(failures):
    estimate = proportion_ci(failures, [25] * 4)
    assert (estimate.value, estimate.interval) == (sum(failures) / 100, None)


def test_proportion_ci_takes_the_failures_of_the_best_block_for_one_cluster():
    estimate = proportion_ci([10] * 4, [100] * 4)
    half_width = stats.t.ppf(0.975, 3) * 0.1 / math.sqrt(4)  # four clusters
    assert estimate.interval == pytest.approx((0.0, 0.1 + half_width))
    assert proportion_ci([90] * 4, [100] * 4).interval == pytest.approx((0.9 - half_width, 1.0))


def test_proportion_ci_of_blocks_that_differ_is_that_of_the_blocks():
    estimate = proportion_ci([1, 2, 30, 27], [100] * 4)
    deviation = math.sqrt(sum((share - 0.15) ** 2 for share in (0.01, 0.02, 0.30, 0.27)) / 3)
    assert estimate.high == pytest.approx(0.15 + stats.t.ppf(0.975, 3) * deviation / 2)


def test_noise_floor_is_the_t_quantile_times_the_root_mean_square():
    logs = np.array([0.1, -0.05, 0.02, 0.04])
    expected = stats.t.ppf(0.975, 4) * math.sqrt((logs**2).mean())
    assert noise_floor(logs) == pytest.approx(math.exp(expected))
    assert noise_floor(logs[:3]) is None


@pytest.mark.parametrize(
    ("by_block", "rows_beyond", "tail_ratio", "is_lower_bound"),
    [
        ([98, 100, 102, 100], 50, 1.54, False),
        ([98, 100, 102, 100], 49, 1.54, True),
        ([98, 100, 102, 100], 50, 1.9, True),
        ([70, 100, 140, 100], 50, 1.54, True),
        ([98, 100, 102], 5, 1.54, False),
    ],
)
def test_sectioning_ci_marks_an_interval_that_is_too_narrow(by_block, rows_beyond, tail_ratio, is_lower_bound):
    estimate = sectioning_ci(by_block, 100.0, rows_beyond, tail_ratio)
    assert estimate.is_lower_bound == is_lower_bound
    assert estimate.interval == log_mean_ci(by_block, 100.0).interval


def test_clopper_pearson_is_the_exact_interval_of_scipy():
    for successes, trials in ((0, 10), (3, 10), (10, 10)):
        exact = stats.binomtest(successes, trials).proportion_ci(0.95, "exact")
        assert clopper_pearson(successes, trials) == pytest.approx((exact.low, exact.high))


def test_proportion_ci_of_no_requests_is_refused():
    with pytest.raises(ValueError, match="no requests"):
        proportion_ci([0], [0])
