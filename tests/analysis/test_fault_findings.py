"""Findings under faults: targets, arms that were not run, and runs that their fault ended."""

import pytest

from analysis.faults.fault_targets import refusal_limit_ms
from analysis.findings import fault_findings
from tests.faulted_runs import between, fail, faulted, refuse, slow
from workbench import validity


def finding_of(experiment):
    (finding,) = fault_findings.findings(experiment)
    return finding


def verdict(builder, run):
    finding = finding_of(builder.experiment(run))
    return finding.verdict, finding.evidence


def test_finding_of_clean_refusals_passes(builder):
    run = faulted(builder, "bags-locked")
    refuse(between(run, 8, 14.5), after_s=5.0)
    finding = finding_of(builder.experiment(run))
    assert (finding.id, finding.kind, finding.verdict, finding.effect) == (
        "fault-bags-locked-tuned",
        "fault",
        "pass",
        0,
    )
    assert "260 of 720 requests failed (260 × status 503)" in finding.evidence


@pytest.mark.parametrize(
    ("name", "from_s", "to_s", "expected"),
    [
        ("idle-backends-terminated", 8, 8.1, "4 requests failed, and none may"),
        ("bags-locked", 9, 9.1, "4 failures without a 503 and Retry-After"),
        ("worker-killed", 8.2, 8.3, "4 failures of requests that were not in flight in the worker"),
        ("bags-locked", 6, 6.1, "4 requests failed before the fault"),
    ],
)
def test_finding_with_a_failure_that_is_not_allowed_fails(builder, name, from_s, to_s, expected):
    run = faulted(builder, name)
    fail(between(run, from_s, to_s), "connection reset")
    result, evidence = verdict(builder, run)
    assert result == "fail"
    assert expected in evidence


def test_finding_of_a_killed_worker_allows_the_requests_in_flight_in_it(builder):
    run = faulted(builder, "worker-killed")
    fail(between(run, 7.9, 8), "connection reset", after_s=0.2)
    assert verdict(builder, run)[0] == "pass"


def test_finding_of_a_stuck_worker_fails_where_another_worker_refuses(builder):
    run = faulted(builder, "worker-stuck")
    refuse(between(run, 9, 9.1), after_s=2.0)
    result, evidence = verdict(builder, run)
    assert result == "fail"
    assert "4 failures of requests that were not in flight in the worker (4 × status 503)" in evidence


def change_longest(run):
    slow(between(run, 9, 9.02)[0], 10.5)


def change_refusal(run):
    settings = {"deadlines": True, "pool_timeout_s": 1.0, "statement_timeout_ms": 2000, "database_timeout_s": 0.0}
    run.record["deployment"]["settings"] |= settings
    refuse(between(run, 9, 9.1), after_s=4.5)


def change_recovery(run):
    refuse(between(run, 8, 15.5))


def change_connections(run):
    run.record["connections"]["after_stop"] = 2


def change_writes(run):
    run.record["writes"]["lost"] = 3


def change_doubled(run):
    run.record["writes"]["doubled"] = 1


def change_users(run):
    run.record["writes"]["wrong_user"] = 1


def remove_connections(run):
    del run.record["connections"]


def remove_idle(run):
    run.record["connections"]["idle_in_transaction"] = None


def remove_writes(run):
    del run.record["writes"]


def remove_users(run):
    del run.record["writes"]["wrong_user"]


def change_dropped(run):
    run.record["generator"]["dropped"] = {"measure": 5}


def change_end(run):
    run.record["faults"][0]["end_us"] = None


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        (change_longest, "the longest request took 10.50 s (limit 10 s)"),
        (change_refusal, "a 503 took 4.50 s (limit 4 s)"),
        (change_recovery, "p95 was back after 2.50 s (limit 2 s)"),
        (change_connections, "2 connections leaked"),
        (change_writes, "3 acknowledged writes lost"),
        (change_doubled, "1 write stored more than once"),
        (change_users, "1 write stored for another user"),
        (remove_connections, "connections at the server were not counted"),
        (remove_idle, "connections at the server were not counted"),
        (remove_writes, "acknowledged writes were not compared with the database"),
        (remove_users, "users of stored writes were not compared"),
        (change_dropped, "5 arrivals due and never sent"),
        (change_end, "the fault did not end before the load"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_finding_says_by_how_much_a_target_is_missed(builder, change, missed):
    run = faulted(builder, "bags-locked")
    change(run)
    finding = finding_of(builder.experiment(run))
    assert (finding.verdict, finding.effect) == ("fail", 1)
    assert finding.evidence.startswith(f"missed: {missed}. ")


def test_finding_of_a_worker_that_is_replaced_too_late_fails(builder):
    assert "the worker was stuck for 15.00 s (limit 10 s)" in verdict(builder, faulted(builder, "worker-stuck"))[1]


def test_refusal_limit_is_that_of_pool_and_statement_and_at_most_that_of_requests():
    settings = {"deadlines": True, "pool_timeout_s": 2.0, "statement_timeout_ms": 3000}
    assert refusal_limit_ms(settings) == 6000.0
    assert refusal_limit_ms(settings | {"database_timeout_s": 4.0}) == 5_000.0
    assert refusal_limit_ms(settings | {"pool_timeout_s": 30.0}) == refusal_limit_ms({}) == 10_000.0


def test_finding_of_several_runs_is_that_of_the_worst(builder):
    worse = faulted(builder, "bags-locked", block=1)
    fail(between(worse, 9, 9.1), "timeout")
    finding = finding_of(builder.experiment(faulted(builder, "bags-locked"), worse))
    assert (finding.verdict, finding.n) == ("fail", 2)
    assert "Worst of 2 runs: 4 of 720 requests failed" in finding.evidence


def test_finding_of_a_fault_that_was_not_made_is_not_measured(builder):
    run = faulted(builder, "sessions-full")
    run.record["faults"] = [{"name": "sessions-full", "begin_us": None, "end_us": None, "reason": "no tmpfs here"}]
    assert verdict(builder, run) == ("not measured", "not run: no tmpfs here")


def test_finding_of_an_arm_that_was_left_out_is_not_measured(builder):
    left_out = [{"deployment": "tuned", "scenario": "fault-clock-stepped", "reason": "libfaketime is not installed"}]
    finding = finding_of(builder.experiment(left_out=left_out))
    assert (finding.verdict, finding.evidence) == ("not measured", "not run: libfaketime is not installed")


def test_finding_of_invalid_runs_is_invalid(builder):
    assert verdict(builder, faulted(builder, "bags-locked").invalid())[0] == "invalid"


def test_finding_of_a_run_that_its_fault_ended_passes(builder):
    run = faulted(builder, "generator-killed").aborted()
    run.record["served"] = len(run.rows) + 12
    result, evidence = verdict(builder, run)
    assert result == "pass"
    assert "the run ended early" in evidence
    assert "12 lost rows" in evidence


def test_finding_of_a_run_that_lost_more_rows_than_come_in_half_a_second_fails(builder):
    run = faulted(builder, "generator-killed").aborted()
    run.record["served"] = len(run.rows) + 31
    assert "31 rows of the recording lost (limit 30)" in verdict(builder, run)[1]


def remove_served(run):
    run.record["served"] = None


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        (change_connections, "2 connections leaked"),
        (change_users, "1 write stored for another user"),
        (remove_connections, "connections at the server were not counted"),
        (remove_writes, "acknowledged writes were not compared with the database"),
        (remove_served, "rows of the recording were not counted"),
    ],
)
def test_finding_of_a_run_that_its_fault_ended_says_what_was_lost_or_not_counted(builder, change, missed):
    run = faulted(builder, "generator-killed").aborted()
    change(run)
    finding = finding_of(builder.experiment(run))
    assert (finding.verdict, finding.effect) == ("fail", 1)
    assert finding.evidence.startswith(f"missed: {missed}. ")


def test_finding_of_a_run_whose_rows_were_not_counted_fails(builder):
    run = faulted(builder, "bags-locked")
    run.record["gates"] = [gate for gate in run.record["gates"] if gate["name"] != validity.COUNTED.name]
    assert "missed: rows of the recording were not counted" in verdict(builder, run)[1]


def test_finding_of_a_run_that_its_fault_did_not_end_fails(builder):
    assert "the run ended by itself" in verdict(builder, faulted(builder, "generator-killed"))[1]


def test_finding_of_published_settings_has_a_kind_of_its_own(builder):
    assert finding_of(builder.experiment(faulted(builder, "failover", "as-measured"))).kind == "published-fault"


def test_findings_of_an_experiment_without_faults_are_none(builder):
    assert list(fault_findings.findings(builder.experiment(builder.run()))) == []
