"""The shift between two pieces: Student's t, with more doubt where a value resembles the one before it."""

import numpy as np
import pytest
from scipy import stats

from analysis.stats.mean_shift import mean_shift


@pytest.fixture
def random():
    return np.random.default_rng(7)


def alternating(random, count):
    """Values without a positive autocorrelation."""
    return np.abs(random.normal(size=count)) * np.where(np.arange(count) % 2, 1, -1)


def test_shift_of_unlike_neighbours_is_students_t(random):
    before, after = alternating(random, 12), 1 + alternating(random, 9)
    shift, expected = mean_shift(before, after), stats.ttest_ind(after, before)
    assert shift.p_value == pytest.approx(expected.pvalue)
    assert shift.interval(0.95) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert (shift.count_before, shift.count_after, shift.df) == (12, 9, 19)


def test_shift_of_like_neighbours_is_less_certain(random):
    smooth = np.convolve(random.normal(size=44), np.ones(5) / 5, mode="valid")
    before, after = smooth[:20], 1 + smooth[20:]
    shift = mean_shift(before, after)
    assert shift.p_value > stats.ttest_ind(after, before).pvalue
    assert shift.df < 38


def test_shift_of_equal_values_is_certain_or_none():
    assert mean_shift(np.ones(4), np.full(4, 2.0)).p_value == 0
    assert mean_shift(np.ones(4), np.ones(4)).p_value == 1
    assert mean_shift(np.ones(4), np.full(4, 2.0)).interval(0.95) == (1.0, 1.0)
