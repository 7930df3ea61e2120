"""The comparison table of a section: published, the same set-up run here with its ratio, tuned."""

import pytest

from reports.sections.comparison import MetricRow, comparison, ratio
from tests.reports.page_reader import table_rows
from workbench.arms import BASELINE, CLAIMED, LABELS, TUNED


def cells(html):
    return table_rows(html, "")


def test_the_ratio_is_between_that_of_as_measured_and_the_tuned_value():
    metric = MetricRow("login (ms)", 200.0, {BASELINE: 100.0, TUNED: 12.345}.get, "{:.1f}")
    head, row = cells(comparison("Latency", [metric]))
    assert head == ["metric", "published", LABELS[BASELINE], "measured / published", "tuned"]
    assert row == ["login (ms)", "200.0", "100.0", "0.50", "12.3"]


def test_metrics_of_different_units_share_a_column():
    metrics = [
        MetricRow("storage", "filesystem", {BASELINE: "filesystem", TUNED: "cookie"}.get),
        MetricRow("successful responses", 1.0, {BASELINE: 0.98, TUNED: 1.0}.get, "{:.1%}"),
        MetricRow("connections", None, {BASELINE: 1, TUNED: 6}.get),
    ]
    _, *rows = cells(comparison("Sessions", metrics))
    assert rows == [
        ["storage", "filesystem", "filesystem", "–", "cookie"],
        ["successful responses", "100.0%", "98.0%", "0.98", "100.0%"],
        ["connections", "–", "1", "–", "6"],
    ]


def test_a_value_that_was_not_measured_is_a_dash():
    metrics = [MetricRow("login (ms)", 200.0, {}.get), MetricRow("search (ms)", 5.0, {BASELINE: 4.0, TUNED: 1.0}.get)]
    _, row, _ = cells(comparison("Latency", metrics))
    assert row == ["login (ms)", "200", "–", "–", "–"]


def test_a_deployment_without_a_value_has_no_column():
    assert cells(comparison("Latency", [MetricRow("login (ms)", 200.0, {BASELINE: 100.0}.get)])) == [
        ["metric", "published", LABELS[BASELINE], "measured / published"],
        ["login (ms)", "200", "100", "0.50"],
    ]


def test_another_deployment_has_a_column_of_its_own():
    metric = MetricRow("hits", None, {BASELINE: 0, CLAIMED: 98, TUNED: 96}.get)
    head, row = cells(comparison("Caches", [metric], deployments=(BASELINE, CLAIMED, TUNED)))
    assert dict(zip(head, row, strict=True))[LABELS[CLAIMED]] == "98"


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [(3, 2, 1.5), (0, 2, 0.0), (2, 0, None), (None, 2, None), (2, None, None), ("a", 2, None), (float("nan"), 2, None)],
)
def test_a_ratio_needs_two_numbers(numerator, denominator, expected):
    assert ratio(numerator, denominator) == expected
