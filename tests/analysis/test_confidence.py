"""Intervals on figures for which they can be worked out by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis.stats.confidence import clopper_pearson, positive, proportion


def test_the_interval_of_a_geometric_mean_is_that_of_the_mean_logarithm():
    found = positive([1.0, 2.0, 4.0, 8.0])
    logs = np.log([1.0, 2.0, 4.0, 8.0])
    low, high = stats.t.interval(0.95, 3, loc=logs.mean(), scale=stats.sem(logs))
    assert found.value == pytest.approx(2**1.5)
    assert found.interval == pytest.approx((math.exp(low), math.exp(high)))
    assert found.blocks == 4


def test_by_sectioning_the_interval_is_around_the_figure_of_all_blocks():
    found = positive([90.0, 100.0, 110.0, 100.0], pooled=120.0)
    spread = math.sqrt(sum(math.log(own / 120) ** 2 for own in (90, 100, 110, 100)) / 3 / 4)
    assert found.value == 120.0
    assert found.high / 120 == pytest.approx(math.exp(stats.t.ppf(0.975, 3) * spread))
    assert found.low * found.high == pytest.approx(120**2)


@pytest.mark.parametrize("blocks", [1, 3])
def test_fewer_than_four_blocks_give_a_figure_without_an_interval(blocks):
    for found in (positive([5.0] * blocks), proportion([1] * blocks, [10] * blocks)):
        assert found.interval is None
        assert found.blocks == blocks
    assert positive([5.0] * blocks).value == pytest.approx(5)


@pytest.mark.parametrize("values", [[], [1.0, 0.0], [1.0, -1.0], [1.0, float("nan")], [1.0, float("inf")]])
def test_what_has_no_logarithm_has_no_interval(values):
    with pytest.raises(ValueError, match="positive figures"):
        positive(values)


def test_no_failure_in_all_requests_does_not_mean_that_none_can_happen():
    found = proportion([0, 0, 0, 0], [25, 25, 25, 25])
    assert found.value == 0
    assert found.low == 0
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 100))


def test_failures_that_come_together_have_the_wider_interval():
    even, together = proportion([10] * 4, [100] * 4), proportion([40, 0, 0, 0], [100] * 4)
    assert even.value == together.value == 0.1
    assert even.interval == pytest.approx(clopper_pearson(40, 400))
    assert together.low == 0
    assert together.high > 2 * even.high


def test_the_exact_interval_is_that_of_scipy():
    for happened, of in ((0, 10), (3, 10), (10, 10)):
        exact = stats.binomtest(happened, of).proportion_ci(0.95, "exact")
        assert clopper_pearson(happened, of) == pytest.approx((exact.low, exact.high))


def test_a_share_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no requests"):
        proportion([0], [0])
