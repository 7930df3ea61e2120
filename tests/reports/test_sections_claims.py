"""Published claims and objectives: what does not hold is open, what holds is folded."""

import pytest

from analysis.findings.evaluation import evaluate
from reports.markup import Html
from reports.sections import Report, claims
from reports.sections.names import in_labels
from tests.reports.page_reader import column, page_text, table_cells, table_rows
from workbench.arms import TUNED

OPEN = "Claims that do not hold, and objectives that are not met"
CLAIMS = ("checklist", "published-setup")


def test_every_finding_is_in_its_table(reports):
    report = reports("full")
    html = claims(report)
    shown = column(table_cells(html, OPEN), "verdict")
    for caption in ("Published claims that hold", "Published claims without a verdict", "Objectives that are met"):
        shown |= column(table_cells(html, caption), "verdict")
    assert shown == {in_labels(finding.claim): finding.verdict for finding in report.of_kind(*CLAIMS, "objective")}


@pytest.mark.parametrize(("experiment", "verdicts"), [("full", {"fail"}), ("without tuned", {"fail", "not measured"})])
def test_what_failed_stands_before_objectives_not_measured_and_outside_the_fold(reports, experiment, verdicts):
    html = str(claims(reports(experiment)))
    shown = [row[1] for row in table_rows(Html(html), OPEN)[1:]]
    assert shown == sorted(shown)
    assert set(shown) == verdicts
    assert html.index(OPEN) < html.index("<details>") < html.index("Published claims that hold")


def test_the_sentence_counts_the_claims(reports):
    verdicts = [finding.verdict for finding in reports("full").of_kind(*CLAIMS)]
    assert page_text(claims(reports("full"))).startswith(
        f"Claims of the published report about its own set-up: {verdicts.count('pass')} of {len(verdicts)} hold, "
        f"{verdicts.count('fail')} do not; not measured: {verdicts.count('not measured')}."
    )


def test_a_missed_objective_has_its_evidence(builder):
    run = builder.run(TUNED)
    run.rows[0]["ok"] = False
    experiment = builder.experiment(run)
    rows = table_cells(claims(Report(experiment, evaluate(experiment))), OPEN)
    missed = rows["share of successful responses at least 1, 50 users at once on tuned"]
    assert missed["verdict"] == "fail"
    assert "149 of 150 responses were successful" in missed["evidence"]
