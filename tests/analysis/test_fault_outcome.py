"""What happened in a run under a fault, and the recovery from it."""

import pytest

from analysis.faults.fault_outcome import outcome_of
from tests.faulted_runs import between, fail, faulted, refuse, slow


def outcome(builder, run):
    (recorded,) = builder.experiment(run).runs
    return outcome_of(recorded)


def test_outcome_of_a_run_without_a_failure_is_back_at_once(builder):
    result = outcome(builder, faulted(builder, "bags-locked"))
    assert (result.failed, result.requests, result.longest_ms, result.duration_ms) == (0, 720, 5.0, 5000.0)
    assert result.recovery.p95_before_ms == 5.0
    assert (result.recovery.first_success_ms, result.recovery.p95_back_ms) == (5.0, 0.0)
    assert (result.leaked, result.lost, result.doubled, result.rows_lost) == (0, 0, 0, 0)


def test_outcome_counts_failures_by_kind_and_separates_refusals(builder):
    run = faulted(builder, "bags-locked")
    refuse(between(run, 8, 10), after_s=2.0)
    fail(between(run, 10, 10.5), "status 503 without Retry-After", status=503)
    fail(between(run, 11, 11.1), "timeout", after_s=9.0)
    result = outcome(builder, run)
    assert dict(result.kinds) == {"status 503": 80, "status 503 without Retry-After": 20, "timeout": 4}
    assert dict(result.unclean_kinds) == {"status 503 without Retry-After": 20, "timeout": 4}
    assert (result.refused, result.in_flight, result.later, result.before) == (80, 24, 0, 0)
    assert (result.longest_ms, result.longest_failed_ms, result.longest_refusal_ms) == (9000.0, 9000.0, 2000.0)


def test_outcome_separates_failures_before_and_after_the_fault(builder):
    run = faulted(builder, "worker-killed")
    fail(between(run, 4, 4.1), "connection reset")
    fail(between(run, 8.2, 8.3), "connection reset")
    result = outcome(builder, run)
    assert (result.before, result.in_flight, result.later) == (4, 4, 4)


def test_outcome_counts_a_request_sent_as_the_worker_is_killed_as_in_flight(builder):
    run = faulted(builder, "worker-killed")
    fail(between(run, 7.95, 8.05), "connection reset", after_s=0.2)
    result = outcome(builder, run)
    assert (result.in_flight, result.later) == (4, 0)


def test_outcome_leaves_out_the_wait_for_a_user_of_the_generator(builder):
    run = faulted(builder, "bags-locked")
    between(run, 9, 9.02)[0]["response_us"] = 7_000_000
    assert outcome(builder, run).longest_ms == 5.0


def test_outcome_counts_a_503_of_another_kind_as_unclean(builder):
    run = faulted(builder, "bags-locked")
    fail(between(run, 9, 9.1), "login answered 503", status=503)
    result = outcome(builder, run)
    assert (result.refused, result.in_flight) == (0, 4)


def test_recovery_begins_after_the_last_failure(builder):
    run = faulted(builder, "bags-locked")
    refuse(between(run, 8, 14.5))
    refuse(between(run, 15, 15.02))
    recovery = outcome(builder, run).recovery
    assert recovery.first_success_ms == 1505.0
    assert recovery.p95_back_ms == pytest.approx(2025.0)


def test_recovery_waits_until_p95_is_back(builder):
    run = faulted(builder, "bags-locked")
    for row in between(run, 13, 16):
        slow(row, 0.3)
    recovery = outcome(builder, run).recovery
    assert recovery.first_success_ms == 300.0
    assert 2900 <= recovery.p95_back_ms <= 3000


def test_recovery_ignores_one_slow_request_in_forty(builder):
    run = faulted(builder, "bags-locked")
    for second in range(13, 21):
        slow(between(run, second, second + 0.02)[0], 1.0)
    assert outcome(builder, run).recovery.p95_back_ms == 0.0


def test_recovery_takes_no_time_of_logins_but_their_failures(builder):
    run = faulted(builder, "bags-locked")
    for row in run.rows[::10]:
        row["endpoint"] = "login"
        slow(row, 0.4)
    refuse([row for row in between(run, 13, 14) if row["endpoint"] == "login"][-1:])
    recovery = outcome(builder, run).recovery
    assert recovery.p95_before_ms == 5.0
    assert recovery.p95_back_ms == pytest.approx(775.0)


def test_recovery_that_holds_for_a_second_only_is_none(builder):
    run = faulted(builder, "bags-locked")
    for row in between(run, 15, 21):
        slow(row, 0.5)
    assert outcome(builder, run).recovery.p95_back_ms is None


def test_recovery_of_a_slow_system_is_twice_its_own_p95(builder):
    run = faulted(builder, "bags-locked")
    for row in run.rows:
        slow(row, 0.3)
    for row in between(run, 13, 21):
        slow(row, 0.55)
    assert outcome(builder, run).recovery.p95_back_ms == 0.0


def test_recovery_from_a_fault_without_an_end_is_not_known(builder):
    run = faulted(builder, "worker-stuck")
    run.record["faults"][0]["end_us"] = None
    result = outcome(builder, run)
    assert (result.duration_ms, result.recovery.p95_back_ms) == (None, None)


def test_leaked_connections_are_those_beyond_the_pools_in_a_transaction_or_left(builder):
    run = faulted(builder, "bags-locked")
    run.record["connections"] = {"allowed": 6, "after_load": 8, "idle_in_transaction": 1, "after_stop": 4}
    assert outcome(builder, run).leaked == 7


def test_connections_that_were_not_counted_are_none(builder):
    run = faulted(builder, "bags-locked")
    run.record["connections"] = {"allowed": 6, "after_load": None, "idle_in_transaction": None, "after_stop": None}
    assert outcome(builder, run).leaked is None


def test_rows_lost_of_a_run_that_was_ended_are_served_requests_without_a_row(builder):
    run = faulted(builder, "generator-killed").aborted()
    run.record["served"] = len(run.rows) + 7
    assert outcome(builder, run).rows_lost == 7


def test_outcome_of_another_scenario_is_none(builder):
    assert outcome(builder, builder.run()) is None
