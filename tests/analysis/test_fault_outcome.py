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
    assert (result.refused, result.unclean, result.in_flight, result.before) == (80, 24, 0, 0)
    assert (result.longest_ms, result.longest_failed_ms, result.longest_refusal_ms) == (9000.0, 9000.0, 2000.0)


def test_outcome_of_a_killed_worker_counts_only_failures_of_requests_without_an_answer_as_it_was_killed(builder):
    run = faulted(builder, "worker-killed")
    fail(between(run, 4, 4.1), "connection reset")
    fail(between(run, 7.95, 8.05), "connection reset", after_s=0.2)
    fail(between(run, 8.2, 8.3), "connection reset")
    result = outcome(builder, run)
    assert (result.before, result.in_flight, result.unclean) == (4, 4, 12)


def stuck(builder):
    """A run with a stuck worker 0 of two, in which users 0 and 1 have the connections to worker 0 and 1."""
    run = faulted(builder, "worker-stuck")
    for position, row in enumerate(run.rows):
        row |= {"user": position, "sequence": 1, "worker": position % 2}
    for row in between(run, 8, 23):
        row["worker"] = 1
    return run


def of_user(run, user, from_s):
    """The first request from then on, as the second one of this user."""
    row = between(run, from_s, from_s + 0.1)[0]
    row |= {"user": user, "sequence": 2, "worker": None}
    return row


@pytest.mark.parametrize(("user", "in_flight"), [(0, 1), (1, 0), (5000, 0)], ids=["stuck", "other worker", "new"])
def test_outcome_of_a_stuck_worker_counts_failures_on_connections_that_it_had_accepted(builder, user, in_flight):
    run = stuck(builder)
    fail([of_user(run, user, 11.0)], "connection reset", after_s=3.0)
    result = outcome(builder, run)
    assert (result.unclean, result.in_flight) == (1, in_flight)


def test_outcome_of_a_stuck_worker_explains_one_failure_of_each_connection(builder):
    run = stuck(builder)
    first, second = of_user(run, 0, 11.0), of_user(run, 0, 12.0)
    second["sequence"] = 3
    fail([first, second], "connection reset", after_s=0.5)
    result = outcome(builder, run)
    assert (result.unclean, result.in_flight) == (2, 1)


def test_outcome_of_a_stuck_worker_explains_no_failure_after_its_replacement(builder):
    run = stuck(builder)
    fail([of_user(run, 0, 23.2)], "connection reset")
    assert outcome(builder, run).in_flight == 0


@pytest.mark.parametrize(("at_s", "in_flight"), [(10.0, 4), (12.0, 0), (None, 0)])
def test_outcome_of_a_worker_out_of_memory_counts_failures_as_the_kernel_ended_it(builder, at_s, in_flight):
    run = faulted(builder, "worker-out-of-memory")
    if at_s:
        at_us = run.rows[0]["start_us"] + round(1e6 * at_s)
        run.record["memory"] = {"kills": [{"at_us": at_us, "process": "worker", "worker": 0, "pid": 1}]}
    fail(between(run, 9.95, 10.05), "connection reset", after_s=0.2)
    result = outcome(builder, run)
    assert (result.unclean, result.in_flight) == (4, in_flight)


def test_outcome_leaves_out_the_wait_for_a_user_of_the_generator(builder):
    run = faulted(builder, "bags-locked")
    between(run, 9, 9.02)[0]["response_us"] = 7_000_000
    assert outcome(builder, run).longest_ms == 5.0


def test_outcome_counts_a_503_of_another_kind_as_unclean(builder):
    run = faulted(builder, "bags-locked")
    fail(between(run, 9, 9.1), "login answered 503", status=503)
    result = outcome(builder, run)
    assert (result.refused, result.unclean) == (0, 4)


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


@pytest.mark.parametrize(
    ("after_load", "idle_in_transaction", "after_stop", "leaked"),
    [
        (8, 1, 4, 6),
        (8, 3, 0, 3),
        (5, 1, 0, 1),
        (5, 0, 0, 0),
        (None, 0, 0, None),
        (6, None, 0, None),
        (6, 0, None, None),
    ],
)
def test_leaked_connections_are_those_beyond_the_pools_or_in_a_transaction_and_those_left(
    builder, after_load, idle_in_transaction, after_stop, leaked
):
    run = faulted(builder, "bags-locked")
    run.record["connections"] = {
        "allowed": 6, "after_load": after_load, "idle_in_transaction": idle_in_transaction, "after_stop": after_stop,
    }  # fmt: skip
    assert outcome(builder, run).leaked == leaked


def test_rows_lost_of_a_run_that_was_ended_are_served_requests_without_a_row(builder):
    run = faulted(builder, "generator-killed").aborted()
    run.record["served"] = len(run.rows) + 7
    assert outcome(builder, run).rows_lost == 7


def test_outcome_of_another_scenario_is_none(builder):
    assert outcome(builder, builder.run()) is None
