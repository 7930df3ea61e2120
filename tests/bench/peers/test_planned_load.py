"""The true response times of a planned load, on cases that can be computed by hand."""

import pytest

from bench.peers.planned_load import MEAN_SERVICE_S, PlannedLoad, percentiles_ms

STALLED = PlannedLoad(rate_rps=10, duration_s=4, stall_at_s=2, stall_s=1)


def test_service_times_have_their_mean_and_are_the_same_each_time():
    load = PlannedLoad(rate_rps=400, duration_s=10)
    times_s = load.service_times_s()
    assert len(times_s) == load.requests == 4000
    assert sum(times_s) / len(times_s) == pytest.approx(MEAN_SERVICE_S, rel=0.01)
    assert times_s == load.service_times_s() != sorted(times_s)


@pytest.mark.parametrize(
    ("arrived_s", "answered_s"),
    [(1.0, 1.2), (1.9, 3.1), (2.0, 3.2), (2.9, 3.2), (3.0, 3.2), (3.5, 3.7)],
    ids=["before", "served half", "at its start", "within", "at its end", "after"],
)
def test_a_stall_delays_what_is_not_answered_before_it(arrived_s, answered_s):
    assert STALLED.answered_s(arrived_s, 0.2) == pytest.approx(answered_s)


def test_without_a_stall_a_request_takes_its_service_time():
    load = PlannedLoad(rate_rps=10, duration_s=4)
    assert load.response_times_s() == pytest.approx(load.service_times_s())


def test_requests_that_are_due_in_the_stall_wait_for_its_end():
    waits_s = [
        response_s - service_s
        for response_s, service_s in zip(STALLED.response_times_s(), STALLED.service_times_s(), strict=True)
    ]
    assert waits_s[20:30] == pytest.approx([1 - n / 10 for n in range(10)])
    assert sum(wait_s > 1e-9 for wait_s in waits_s) == 10


def test_what_the_server_was_late_is_part_of_the_truth():
    load = PlannedLoad(rate_rps=10, duration_s=0.4)
    later = [late - due for late, due in zip(load.response_times_s([0.1, 0.3]), load.response_times_s(), strict=True)]
    assert later == pytest.approx([0.1, 0.3, 0.1, 0.3])


def test_percentiles_are_values_of_the_sample():
    assert percentiles_ms([n / 1000 for n in range(1000, 0, -1)]) == pytest.approx(
        {"p50": 500, "p95": 950, "p99": 990, "p99.9": 999}
    )
