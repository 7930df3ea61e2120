"""Findings against a baseline: verdicts by metric and arm, what moved beside a regression, and what it would take."""

import pytest

from analysis import regressions
from analysis.findings.effort import effort
from tests.reports.gated import PRIMARY, blocks
from workbench.arms import BASELINE, TUNED
from workbench.errors import RecordingError

DURATION = "burst-50-tuned-makespan_s"


@pytest.fixture
def compare(builder):
    """The findings of an experiment of four blocks against another, by id."""

    def compare(*runs, primary=PRIMARY, **options):
        before = builder.experiment(*blocks(builder, BASELINE, TUNED), name="before")
        runs = runs or blocks(builder, BASELINE, TUNED, **options)
        after = builder.experiment(*runs, name="after", primary_metrics=primary)
        return {finding.id: finding for finding in regressions.against_experiment(after, before, pytest.fail)}

    return compare


def test_only_primary_metrics_have_findings(compare):
    findings = compare(primary=PRIMARY[:1])
    arms = ("as-measured", "tuned")
    metrics = ("makespan_s", "success_share")  # without successes no other metric means anything
    assert sorted(findings) == sorted(f"burst-50-{name}-{metric}" for name in arms for metric in metrics)
    assert {finding.verdict for finding in findings.values()} == {"equivalent"}
    assert (findings[DURATION].n, findings[DURATION].effect) == (4, pytest.approx(1))
    assert len(findings[DURATION].runs) == 4


@pytest.mark.parametrize(
    ("slower", "verdict", "text"),
    [
        (2.0, "regression", "beside it "),
        (0.5, "improvement", "0.50 ("),
        (1.1, "inconclusive", "the interval reaches into the 10% that another time may explain"),
    ],
)
def test_a_change_has_its_verdict(compare, slower, verdict, text):
    finding = compare(slower=slower)[DURATION]
    assert (finding.verdict, text in finding.evidence) == (verdict, True), finding.evidence
    assert (finding.effect, effort(finding)) == (pytest.approx(slower, rel=0.02), "")


def test_a_regression_names_the_metrics_that_moved_beside_it(compare):
    evidence = compare(slower=2.0)[DURATION].evidence
    assert "mean latency 2.00 (" in evidence
    assert "share of successful responses" not in evidence


def test_an_inconclusive_change_says_what_it_would_take(compare):
    finding = compare(spread=(0.95, 1.06, 0.97, 1.04))[DURATION]
    assert (finding.verdict, finding.minimum_detectable_effect > 1.05) == ("inconclusive", True)
    assert finding.blocks_required > 4
    # Each run of the recordings takes a minute, and both sides have one in a block.
    assert finding.minutes_required == pytest.approx(2 * finding.blocks_required)
    assert effort(finding).endswith(
        f"; {finding.blocks_required} blocks required, {2 * finding.blocks_required} minutes"
    )


def test_fewer_than_four_blocks_are_inconclusive_and_require_four(compare):
    finding = compare(spread=(1.0, 1.01))[DURATION]
    assert (finding.verdict, finding.interval) == ("inconclusive", None)
    assert effort(finding) == "4 valid blocks required, 8 minutes"


def test_an_arm_that_only_the_baseline_has_was_not_measured(compare, builder):
    findings = compare(*blocks(builder, TUNED))
    assert findings["burst-50-as-measured"].verdict == "not measured"
    assert findings["burst-50-as-measured"].evidence == "no valid run under the load of before"


@pytest.mark.parametrize(("failing", "verdict"), [((10, 10, 10, 10), "regression"), ((0, 20, 0, 0), "inconclusive")])
def test_more_failures_at_equal_speed_are_a_finding(compare, builder, failing, verdict):
    runs = blocks(builder, BASELINE, TUNED)
    for run, number in zip(runs[1::2], failing, strict=True):
        for row in run.rows_of("search")[:number]:
            row |= {"ok": False, "error": "status 503"}
    finding = compare(*runs)["burst-50-tuned-failures"]
    assert (finding.verdict, finding.n) == (verdict, 4)
    assert finding.evidence.endswith("of the requests were not successful, instead of 0.0%")


def test_failures_that_are_equal_on_both_sides_are_none(compare):
    assert not [name for name in compare() if "failures" in name]


def test_deployments_of_one_experiment_are_paired_by_block(builder):
    experiment = builder.experiment(*blocks(builder, BASELINE, TUNED), primary_metrics=PRIMARY)
    by_id = {finding.id: finding for finding in regressions.against_arm(experiment, TUNED, BASELINE)}
    finding = by_id["burst-50-tuned-to-as-measured-makespan_s"]
    assert (finding.verdict, finding.effect) == ("regression", pytest.approx(20))
    assert len(finding.runs) == 8
    with pytest.raises(RecordingError, match="has valid runs of both tuned and as-claimed"):
        regressions.against_arm(experiment, TUNED, "as-claimed")


def test_a_deployment_without_a_primary_metric_is_not_decided(builder):
    experiment = builder.experiment(*blocks(builder, BASELINE, TUNED), primary_metrics=[])
    with pytest.raises(RecordingError, match="declared no primary metric of tuned"):
        regressions.against_arm(experiment, BASELINE, TUNED)
