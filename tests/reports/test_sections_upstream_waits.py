"""The table of what waits for another service."""

from analysis.findings import async_advice
from reports.sections import Report, upstream_waits
from tests.reports.page_reader import column, page_text, report_of, table_cells
from workbench.arms import ASYNC, TUNED, UPSTREAM_50, UPSTREAM_300

CAPTION = "An event loop in the place of threads, while requests wait"


def test_each_set_up_has_a_row_for_each_load_and_each_metric_a_ratio(builder):
    runs = [
        builder.run(name, scenario, block=block)
        for name in (TUNED, ASYNC)
        for scenario in (UPSTREAM_50, UPSTREAM_300)
        for block in range(4)
    ]
    experiment = builder.experiment(*runs)
    section = upstream_waits.upstream_waits(Report(experiment, list(async_advice.findings(experiment))))
    text = page_text(section)
    assert "300 users who wait for another service" in text
    assert "p95 of light reads under 50 users who wait for another service: async-quart / tuned" in text
    ratios = table_cells(section, CAPTION)
    assert len(column(ratios, "ratio")) == 8
    assert all("×" in ratio for ratio in column(ratios, "ratio").values())


def test_without_such_a_load_there_is_nothing(builder):
    assert str(upstream_waits.upstream_waits(report_of(builder.experiment(builder.run(TUNED))))) == ""
