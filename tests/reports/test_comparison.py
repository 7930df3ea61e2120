"""The table of a section: published, reproduced with its ratio, tuned."""

import re

import pytest

from reports.sections.comparison import BASE, CLAIMED, OURS, Line, comparison, ratio


def cells(html):
    rows = re.findall(r"<tr>(.*?)</tr>", str(html), re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_the_ratio_stands_between_the_reproduced_and_the_tuned_figure():
    line = Line("login (ms)", 200.0, {BASE: 100.0, OURS: 12.345}.get, "{:.1f}")
    head, row = cells(comparison("Latency", [line]))
    assert head == ["figure", "published", "reproduced", "reproduced / published", "tuned"]
    assert row == ["login (ms)", "200.0", "100.0", "0.50", "12.3"]


def test_lines_of_different_units_share_a_column():
    lines = [
        Line("storage", "filesystem", {BASE: "filesystem", OURS: "cookie"}.get),
        Line("right answers", 1.0, {BASE: 0.98, OURS: 1.0}.get, "{:.1%}"),
        Line("connections", None, {BASE: 1, OURS: 6}.get),
    ]
    _, *rows = cells(comparison("Sessions", lines))
    assert rows == [
        ["storage", "filesystem", "filesystem", "–", "cookie"],
        ["right answers", "100.0%", "98.0%", "0.98", "100.0%"],
        ["connections", "–", "1", "–", "6"],
    ]


def test_what_was_not_measured_is_a_dash():
    _, row = cells(comparison("Latency", [Line("login (ms)", 200.0, {}.get)]))
    assert row == ["login (ms)", "200", "–", "–", "–"]


def test_another_deployment_has_a_column_of_its_own():
    line = Line("hits", None, {BASE: 0, CLAIMED: 98, OURS: 96}.get)
    head, row = cells(comparison("Caches", [line], deployments=(BASE, CLAIMED, OURS)))
    assert dict(zip(head, row, strict=True))["as claimed"] == "98"


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [(3, 2, 1.5), (0, 2, 0.0), (2, 0, None), (None, 2, None), (2, None, None), ("a", 2, None), (float("nan"), 2, None)],
)
def test_a_ratio_needs_two_numbers(ours, theirs, wanted):
    assert ratio(ours, theirs) == wanted
