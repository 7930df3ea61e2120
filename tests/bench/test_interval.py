"""The ratio with its interval, on values that can be computed by hand."""

import math

import pytest

from bench.interval import Ratio


def test_ratio_of_equal_blocks_has_an_interval_without_width():
    assert Ratio.from_blocks([[(10.0, 12.0)], [(5.0, 6.0)]]) == pytest.approx((1.2, 1.2, 1.2))


def test_interval_is_students_t_on_the_log_ratios():
    """Log ratios 0 and ln 4 have mean ln 2 and deviation ln 4/√2; t = 12.706 with 1 degree of freedom."""
    ratio = Ratio.from_blocks([[(1.0, 1.0)], [(1.0, 4.0)]])
    half_width = 12.706 * math.log(4) / math.sqrt(2) / math.sqrt(2)
    assert ratio.middle == pytest.approx(2)
    assert ratio.low == pytest.approx(2 / math.exp(half_width))
    assert ratio.high == pytest.approx(2 * math.exp(half_width))


def test_block_counts_with_the_median_of_its_pairs():
    blocks = [[(1.0, 2.0), (1.0, 2.0), (1.0, 100.0)], [(1.0, 2.0)]]
    assert Ratio.from_blocks(blocks) == pytest.approx((2, 2, 2))
