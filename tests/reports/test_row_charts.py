"""The drawings of table rows: where values, intervals and margins lie on their axes."""

import math
import re

import pytest

from analysis.stats.confidence import Estimate
from reports.row_charts import PADDING, beyond, ratio_limits, ratio_strip, sparkline, step_strip


def attributes(html, kind):
    """The numbers of the elements of a class, in percent."""
    elements = re.findall(rf'<\w+ class="{kind}"([^>]*)/>', str(html))
    return [{name: float(value) for name, value in re.findall(r'(\w+)="([\d.]+)%?"', each)} for each in elements]


def test_the_axis_of_ratios_is_symmetrical_and_reaches_every_ratio():
    low, high = ratio_limits([0.5, 1.5, math.nan, math.inf, 0.0])
    assert (low, high) == (pytest.approx(0.5), pytest.approx(2))
    assert ratio_limits([]) == (pytest.approx(0.8), pytest.approx(1.25))
    assert ratio_limits([1e9]) == (pytest.approx(0.05), pytest.approx(20))


def test_a_ratio_of_1_lies_in_the_middle_of_its_margin():
    strip = ratio_strip(1.0, (0.9, 1.1), 0.10, (0.5, 2.0), "equivalent")
    (margin,) = attributes(strip, "margin")
    (value,) = attributes(strip, "value")
    assert value["cx"] == pytest.approx(50)
    assert margin["x"] + margin["width"] / 2 == pytest.approx(50, abs=0.01)
    assert margin["width"] == pytest.approx(2 * math.log(1.1) / math.log(4) * (100 - 2 * PADDING), abs=0.02)


@pytest.mark.parametrize(("ratio", "place"), [(0.0, PADDING), (math.inf, 100 - PADDING), (1e9, 100 - PADDING)])
def test_a_ratio_beyond_the_axis_is_drawn_at_its_end_and_hollow_without_an_interval(ratio, place):
    (value,) = attributes(ratio_strip(ratio, None, 0.10, (0.5, 2.0), "none"), "value hollow")
    assert value["cx"] == place


@pytest.mark.parametrize(
    ("interval", "arrows"), [((0.5, 2.0), 0), ((0.4, 1.1), 1), ((0.9, math.inf), 1), ((0.0, 30.0), 2)]
)
def test_an_interval_that_reaches_beyond_the_axis_has_an_arrow_at_that_end(interval, arrows):
    limits = (0.5, 2.0)
    assert str(ratio_strip(1.0, interval, 0.10, limits, "none")).count('class="arrow"') == arrows
    assert ("arrow" in beyond(interval, limits)) == bool(arrows)


def test_a_ratio_that_is_not_known_has_no_dot():
    assert "<circle" not in str(ratio_strip(math.nan, None, 0.10, (0.5, 2.0), "none"))


def test_a_step_down_begins_at_its_end():
    (bar,) = attributes(step_strip(75.0, 25.0, (20.0, 30.0), (0.0, 100.0), "less"), "bar")
    assert (bar["x"], bar["width"]) == (pytest.approx(27), pytest.approx(46))


def test_a_sparkline_joins_its_values_and_draws_noise_flat():
    trend = [Estimate(1.0, 4, 0.99, 1.01), Estimate(1.01, 4, 1.0, 1.02), Estimate(1.0, 4)]
    drawn = sparkline(trend, "tuned")
    lines = attributes(drawn, "trend")
    assert len(lines) == 2
    assert len(attributes(drawn, "interval")) == 2
    assert max(line["y1"] for line in lines) - min(line["y2"] for line in lines) < 10
    steep = sparkline([Estimate(1.0, 1), Estimate(2.0, 1)], "tuned")
    (line,) = attributes(steep, "trend")
    assert line["y1"] - line["y2"] == pytest.approx(80)


def test_one_value_and_zeros_have_a_dot():
    for estimates in ([Estimate(0.0, 1)], [Estimate(3.0, 1)]):
        (dot,) = attributes(sparkline(estimates, "tuned"), "value")
        assert (dot["cx"], dot["cy"]) == (50, 50)
