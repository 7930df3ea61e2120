"""Findings on an overload: the verdicts on a deployment that refuses, and on one that collapses."""

import pytest

from analysis.findings import overload_claims
from analysis.findings.overload_claims import finding_id, share_id
from tests.analysis.overloads import admitted, collapsed, overloaded
from workbench.arms import BASELINE, LIMITED, OVERLOADS


@pytest.fixture
def findings(builder):
    """The findings by id of these outcomes by deployment, under every multiple."""

    def findings(outcomes, scenarios=()):
        runs = [overloaded(builder, name, scenario, outcome)
                for name, outcome in outcomes.items() for scenario in scenarios or OVERLOADS.values()]  # fmt: skip
        return by_id(builder.experiment(*runs))

    return findings


def by_id(experiment):
    return {each.id: each for each in overload_claims.findings(experiment)}


def test_a_deployment_that_refuses_at_once_passes_and_one_that_collapses_fails(findings):
    found = findings({LIMITED: admitted, BASELINE: collapsed})
    for name in ("clean", "reads-p95", "logins-p95", "recovery"):
        assert found[finding_id(name, 5, LIMITED)].verdict == "pass"
        assert found[finding_id(name, 5, BASELINE)].verdict == "fail"
    assert found[finding_id("recovery", 5, BASELINE)].evidence == "never"
    assert found[finding_id("reads-p95", 5, BASELINE)].evidence == "no success"
    assert found[finding_id("goodput", 5, LIMITED)].effect == pytest.approx(100)
    assert found[finding_id("offered", 10, LIMITED)].effect == pytest.approx(1000)


def test_goodput_at_five_times_is_compared_with_the_largest(findings):
    found = findings({LIMITED: admitted})[share_id(LIMITED)]
    assert found.effect == pytest.approx(0.5)  # 100 of 200 at ten times, as one request in five is served
    assert found.verdict == "fail"
    assert found.bound == overload_claims.MIN_GOODPUT_SHARE


def test_with_five_times_alone_the_share_is_not_measured(findings):
    found = findings({LIMITED: admitted}, ["overload-5"])[share_id(LIMITED)]
    assert (found.verdict, found.effect) == ("not measured", None)
    assert "nothing to compare it with" in found.evidence


def test_without_five_times_the_share_is_not_measured(findings):
    assert findings({LIMITED: admitted}, ["overload-2"])[share_id(LIMITED)].verdict == "not measured"


def test_a_class_that_is_starved_fails(findings):
    def without_logins(piece, at_s, number):
        response_ms, fields = admitted(piece, at_s, number)
        return (1500.0, {}) if piece == 1 and not fields else (response_ms, fields)

    found = findings({LIMITED: without_logins}, ["overload-5"])
    assert found[finding_id("logins-kept", 5, LIMITED)].verdict == "fail"
    assert found[finding_id("reads-kept", 5, LIMITED)].verdict == "fail"
    assert found[finding_id("reads-p95", 5, LIMITED)].verdict == "fail"


def test_what_is_kept_has_the_number_of_requests_behind_it(findings):
    found = findings({LIMITED: admitted}, ["overload-5"])
    assert found[finding_id("logins-kept", 5, LIMITED)].evidence.endswith(" (n = 25 before, 200 during)")


def test_one_failure_that_is_no_clean_refusal_fails_in_any_run(builder):
    runs = [overloaded(builder, LIMITED, "overload-5", admitted, block) for block in range(3)]
    refused = next(row for row in runs[1].rows if row["status"] == 503)
    refused["error"] = "status 503 without Retry-After"
    found = by_id(builder.experiment(*runs))[finding_id("clean", 5, LIMITED)]
    assert (found.verdict, found.evidence) == ("fail", "99.97%")


def test_a_load_that_was_not_sent_is_invalid(builder):
    run = overloaded(builder, LIMITED, "overload-5", admitted)
    run.record["generator"]["dropped"] = {"warmup": 0, "measure": 1000}
    found = by_id(builder.experiment(run))[finding_id("sent", 5, LIMITED)]
    assert (found.verdict, found.evidence) == ("invalid", "80.0%")


def test_a_load_that_was_sent_passes(findings):
    assert findings({LIMITED: admitted}, ["overload-5"])[finding_id("sent", 5, LIMITED)].verdict == "pass"


def test_a_multiple_without_a_valid_run_is_invalid_with_the_reason(builder):
    runs = [overloaded(builder, LIMITED, f"overload-{times}", admitted) for times in (1, 5, 10)]
    found = by_id(builder.experiment(*runs[:2], runs[2].invalid("dispatch lag p99: 9 ms")))
    invalid = found[finding_id("goodput", 10, LIMITED)]
    assert (invalid.verdict, "dispatch lag p99: 9 ms" in invalid.evidence) == ("invalid", True)
    assert overload_claims.decides(invalid)
    assert found[finding_id("goodput", 5, LIMITED)].verdict == "reported"


def test_five_times_without_a_valid_run_make_the_share_invalid(builder):
    runs = [overloaded(builder, LIMITED, "overload-1", admitted), overloaded(builder, LIMITED, "overload-5", admitted)]
    assert by_id(builder.experiment(runs[0], runs[1].invalid()))[share_id(LIMITED)].verdict == "invalid"


def test_a_multiple_that_was_planned_or_left_out_and_not_run_is_not_measured(builder):
    run = overloaded(builder, LIMITED, "overload-5", admitted)
    left_out = [{"deployment": BASELINE, "scenario": "overload-2", "reason": "valkey-server is not installed"}]
    experiment = builder.experiment(run, left_out=left_out)
    experiment.record["runs"].append({"run": "1-02", "deployment": LIMITED, "scenario": "overload-10"})
    found = by_id(experiment)
    assert found[finding_id("goodput", 10, LIMITED)].verdict == "not measured"
    assert "valkey-server is not installed" in found[finding_id("goodput", 2, BASELINE)].evidence


def test_targets_of_the_set_up_with_admission_control_decide(findings):
    found = findings({LIMITED: admitted, BASELINE: collapsed}, ["overload-1", "overload-5"])
    deciding = {name for name, finding in found.items() if overload_claims.decides(finding)}
    assert deciding == {share_id(LIMITED), *(finding_id(test.name, 5, LIMITED) for test in overload_claims.TESTS)}


def test_without_an_overload_there_are_no_findings(full):
    assert list(overload_claims.findings(full)) == []
