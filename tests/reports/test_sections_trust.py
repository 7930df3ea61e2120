"""How far to trust a page: why runs are invalid, which were made again, and the words of the page."""

import pytest

from analysis.findings import fault_findings
from reports.sections import Report, trust
from tests.faulted_runs import faulted
from tests.reports.page_reader import page_text, report_of, table_cells
from workbench.arms import TUNED


@pytest.mark.parametrize(("experiment", "has_effects"), [("full", True), ("one run", False)])
def test_words_of_effects_are_on_pages_with_effects_alone(reports, experiment, has_effects):
    words = table_cells(trust(reports(experiment)), "Words of this page")
    assert ("blocks required" in words) == has_effects
    assert {"p95", "users at once"} <= words.keys()
    assert "black hole" not in words


def test_words_of_faults_are_on_pages_with_faults(builder):
    experiment = builder.experiment(faulted(builder, "bags-locked"))
    words = table_cells(trust(Report(experiment, list(fault_findings.findings(experiment)))), "Words of this page")
    assert {"black hole", "Valkey", "goodput", "dispatch lag", "p95"} <= words.keys()
    assert {"blocks required", "A/A", "CPU lower bound"}.isdisjoint(words)


def test_invalid_runs_are_grouped_by_reason_and_repeats_have_no_false_cause(builder):
    runs = [builder.run(TUNED, block=block).invalid() for block in range(2)]
    experiment = builder.experiment(
        builder.run(), *runs, repeats=[{"run": "1-09-tuned-burst-50-repeat-2", "repeat": 2}]
    )
    text = page_text(trust(report_of(experiment)))
    assert "1 of 3 runs valid." in text
    assert "Invalid, and in no figure: 2 runs, for generator CPU (2)." in text
    assert "Runs whose load was late or held up were made again, up to twice." in text
