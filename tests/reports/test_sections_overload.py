"""The section on overload: a curve, a row for each multiple, and the verdicts."""

import pytest

from analysis.findings import overload_claims
from reports.sections import overload
from reports.sections.comparison import Report
from tests.analysis.overloads import admitted, collapsed, overloaded
from tests.reports.page_reader import page_text, report_of, table_cells
from workbench.arms import BASELINE, LIMITED, TUNED

CAPTION = "Overload, by set-up and multiple of the sustained rate"


@pytest.fixture
def section(builder):
    runs = [
        overloaded(builder, deployment, f"overload-{times}", outcome)
        for deployment, outcome in ((LIMITED, admitted), (BASELINE, collapsed))
        for times in (1, 5)
    ]
    experiment = builder.experiment(*runs)
    return overload.overload(Report(experiment, list(overload_claims.findings(experiment))))


def test_each_set_up_has_a_row_for_each_multiple_and_failed_targets_a_mark(section):
    text = page_text(section)
    assert 'id="fig-goodput"' in str(section)
    assert CAPTION in text
    assert "never ✗" in text
    assert "100 of 500 requests/s" in str(section)


def test_each_target_has_its_verdict(section):
    targets = table_cells(section, "Targets under overload")
    verdicts = {name: row["verdict"] for name, row in targets.items()}
    assert len(verdicts) == 14
    kept = next(verdict for name, verdict in verdicts.items() if "maximum, tuned, limited" in name)
    assert kept == "pass"
    recovered = [verdict for name, verdict in verdicts.items() if name.startswith("time after the overload")]
    assert recovered == ["pass", "fail"]


def test_without_an_overload_there_is_nothing(builder):
    assert str(overload.overload(report_of(builder.experiment(builder.run(TUNED))))) == ""
