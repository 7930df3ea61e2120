"""The finding, and the claim from which it is made."""

import pytest

from analysis.findings.evaluation import evaluate as evaluate_all
from analysis.findings.finding import FAIL, KINDS, NOT_MEASURED, PASS, Claim
from workbench.arms import BASELINE, SINGLE, TUNED


def by_id(experiment):
    return {finding.id: finding for finding in evaluate_all(experiment)}


def test_verdicts_of_tests_are_pass_fail_and_not_measured(builder):
    findings = by_id(builder.experiment(builder.run(), builder.run(TUNED, slower=2)))
    assert findings["success-rate-under-load"].verdict == PASS
    assert findings["tuned-burst"].verdict == FAIL
    assert findings["tuned-login-alone"].verdict == NOT_MEASURED


def test_finding_has_its_runs_their_number_and_the_command_that_repeats_them(builder):
    runs = [builder.run(), builder.run(TUNED), builder.run(block=1), builder.run(TUNED, block=1)]
    finding = by_id(builder.experiment(*runs, scale="production"))["tuned-burst"]
    assert finding.effect == pytest.approx(20)
    assert finding.n == 4
    assert sorted(finding.runs) == sorted(run.name for run in runs)
    assert finding.command == (
        "python -m loadgen run --deployment as-measured --scenario burst-50 --scale production; "
        "python -m loadgen run --deployment tuned --scenario burst-50 --scale production"
    )


def test_finding_that_was_not_measured_has_no_runs_and_no_command(builder):
    finding = by_id(builder.experiment(builder.run()))["tuned-burst"]
    assert (finding.effect, finding.n, finding.runs, finding.command) == (None, 0, (), "")


def test_finding_has_the_bound_if_that_is_a_number(builder):
    findings = by_id(builder.experiment(builder.run(), builder.run(TUNED), builder.run(TUNED, SINGLE)))
    bounds = {name: findings[name].bound for name in ("tuned-burst", "tuned-floor", "tuned-burst-reads")}
    assert bounds == {"tuned-burst": 12, "tuned-floor": 2.5, "tuned-burst-reads": 300}
    assert findings["tuned-login-alone"].bound == 300
    assert findings["tuned-success"].bound == 1
    assert findings["summary-answers"].bound is None


@pytest.mark.parametrize("kind", KINDS)
def test_finding_with_a_verdict_of_another_kind_is_refused(builder, kind):
    claim = Claim(builder.experiment(builder.run(BASELINE)), kind, "some-id", "some claim")
    for verdict in (*KINDS[kind].verdicts, NOT_MEASURED):
        assert claim.finding(verdict, "evidence").verdict == verdict
    with pytest.raises(ValueError, match=f"some-id: a finding of kind {kind} has no verdict 'better'"):
        claim.finding("better", "evidence")


def test_finding_of_an_unknown_kind_is_refused(builder):
    claim = Claim(builder.experiment(builder.run(BASELINE)), "opinion", "some-id", "some claim")
    with pytest.raises(ValueError, match="some-id: unknown kind of finding 'opinion'"):
        claim.not_measured("evidence")
