"""The capacity section: brackets, saturated resources and invalid runs."""

from reports.sections import capacity
from tests.reports.page_reader import page_text, report_of, table_cells
from workbench.arms import TUNED


def test_a_capacity_search_shows_its_bracket_and_invalid_runs(reports, builder):
    rows = table_cells(capacity.capacity(reports("full")), "Capacity of each set-up")
    assert (rows[TUNED]["sustained"], rows[TUNED]["runs"]) == ("16", "2")
    assert "not sustained" not in rows[TUNED]
    assert rows[TUNED]["capacity"] == "inconclusive"
    slow = builder.run(TUNED, "open-16", slower=200)
    found = builder.experiment(
        builder.run(), probes=(builder.run(TUNED, "open-8"), slow, builder.run(TUNED, "open-32").invalid())
    )
    row = table_cells(capacity.capacity(report_of(found)), "Capacity of each set-up")[TUNED]
    assert (row["sustained"], row["not sustained"], row["capacity"]) == ("8", "16", "(8–16)")
    reasons = table_cells(capacity.capacity(report_of(found)), "What decided the bounds")[TUNED]
    assert reasons["p95 or failure when not"].startswith("login p95")
    assert "invalid runs" not in row
    invalid = table_cells(capacity.capacity(report_of(found)), "Invalid runs of the searches")[TUNED]
    assert (invalid["invalid runs"], invalid["under"]) == ("1", "32 requests/s")
    assert invalid["the first, for"].startswith("generator CPU")
    assert "has no capacity search" in page_text(
        capacity.capacity(report_of(builder.experiment(builder.run(), name="no-search")))
    )
