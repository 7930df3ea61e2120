"""What the gate, its summary and its test report make of faults."""

import pytest

from analysis.findings import fault_findings, objectives
from reports.decision import decide
from reports.junit import junit
from reports.pull_request_summary import summary
from tests.faulted_runs import between, fail, faulted

LEFT_OUT = [{"deployment": "tuned", "scenario": "fault-clock-stepped", "reason": "libfaketime is not installed"}]


def broken(builder, deployment="tuned"):
    run = faulted(builder, "bags-locked", deployment)
    fail(between(run, 8, 9), "timeout")
    return run


@pytest.fixture
def evaluated(builder):
    """An experiment of these runs with its objectives and faults evaluated, and the decision on them."""

    def evaluate(*runs, **record):
        experiment = builder.experiment(*runs, **record)
        findings = [*objectives.findings(experiment), *fault_findings.findings(experiment)]
        return experiment, findings, decide(experiment, findings)

    return evaluate


def test_decision_on_a_missed_target_is_fail(builder, evaluated):
    _, _, decision = evaluated(broken(builder), faulted(builder, "store-away"))
    assert decision.verdict == "fail"
    assert decision.reason.endswith("1 of 2 faults with a missed target")


def test_decision_on_faults_without_any_objective_measured_rests_on_the_faults(builder, evaluated):
    _, _, decision = evaluated(faulted(builder, "bags-locked"), left_out=LEFT_OUT)
    assert decision.verdict == "pass"
    assert decision.reason.endswith("no target missed under 1 fault, 1 more not run")


def test_decision_where_no_fault_could_be_made_is_inconclusive(evaluated):
    assert evaluated(left_out=LEFT_OUT)[2].verdict == "inconclusive"


def test_decision_on_an_invalid_run_under_a_fault_is_inconclusive(builder, evaluated):
    assert evaluated(faulted(builder, "bags-locked").invalid())[2].verdict == "inconclusive"


def test_decision_leaves_out_faults_with_published_settings(builder, evaluated):
    assert evaluated(broken(builder, "as-measured"), faulted(builder, "bags-locked"))[2].verdict == "pass"


def test_summary_lists_missed_targets_and_faults_not_run(builder, evaluated):
    experiment, findings, decision = evaluated(broken(builder), left_out=LEFT_OUT)
    text = summary(decision, experiment, findings)
    assert "### Faults that miss a target, or were not run" in text
    assert "| lock on bags, tuned | fail | missed: 40 failures without a 503 and Retry-After (40 × timeout)." in text
    assert "not run: libfaketime is not installed" in text


def test_summary_of_faults_alone_lists_no_objective(builder, evaluated):
    experiment, findings, decision = evaluated(broken(builder))
    assert "### Objectives" not in summary(decision, experiment, findings)


def test_junit_fails_a_missed_target_and_skips_that_of_published_settings(builder, evaluated):
    _, findings, decision = evaluated(broken(builder), broken(builder, "as-measured"))
    suites = {suite.get("name"): suite for suite in junit(decision, "made", findings)}
    assert (suites["fault"].get("failures"), suites["fault"].get("skipped")) == ("1", "0")
    assert (suites["published-fault"].get("failures"), suites["published-fault"].get("skipped")) == ("0", "1")
