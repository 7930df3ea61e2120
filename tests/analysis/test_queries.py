"""The query of each finding: it runs, and gives the value from the rows."""

import pytest

from analysis.findings.evaluation import evaluate
from analysis.findings.queries import EXPRESSIONS, query_of
from workbench.arms import BASELINE, TUNED


@pytest.fixture(scope="module")
def findings(full):
    return {finding.id: finding for finding in evaluate(full)}


def test_every_query_gives_a_row_for_each_of_its_runs(full, findings):
    with_query = {name: finding for name, finding in findings.items() if finding.query}
    assert len(with_query) > 100
    asked = {}
    for name, finding in with_query.items():
        if finding.query not in asked:
            asked[finding.query] = set(full.rows.query(finding.query)["run"])
        with_rows = {run for run in finding.runs if not run.endswith("-start")}
        assert with_rows <= asked[finding.query], name


def test_a_finding_without_runs_or_of_a_start_alone_has_no_query(full, findings):
    assert all(not finding.query for finding in findings.values() if not finding.runs)
    assert findings["budget-refusal"].runs
    assert findings["budget-refusal"].query == ""
    assert query_of("any", []) == ""


@pytest.mark.parametrize(
    ("finding", "column", "scale"),
    [
        ("duration-burst-50-as-measured", "duration_s", 1),
        ("requests-burst-50-as-measured", "requests", 1),
        ("success-burst-50-as-measured", "success_share", 1),
    ],
)
def test_the_query_gives_the_value_of_its_finding(full, findings, finding, column, scale):
    (value,) = full.rows.query(findings[finding].query)[column]
    assert value * scale == pytest.approx(findings[finding].effect)


def test_every_expression_is_that_of_a_finding(full):
    """Each of them is valid SQL over the rows."""
    runs = full.find(BASELINE, "burst-50") + full.find(TUNED, "burst-50")
    for part, expression in EXPRESSIONS.items():
        query = query_of(f"a-{part}-b", runs)
        assert expression in query
        assert len(full.rows.query(query)) == 2, part


def test_a_ratio_is_of_the_durations_that_its_query_gives(full, findings):
    step = findings["step-as-measured-to-tuned"]
    rows = full.rows.query(step.query).set_index("run")["duration_s"]
    (before,), (after,) = (
        [value for run, value in rows.items() if f"-{name}-burst" in run] for name in (BASELINE, TUNED)
    )
    assert step.effect == pytest.approx(before / after)
