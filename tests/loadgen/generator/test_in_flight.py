"""The integral of the requests in flight, at instants that the tests choose."""

import pytest

from loadgen.generator import in_flight
from loadgen.generator.in_flight import InFlight


@pytest.fixture
def at(monkeypatch):
    """Call a function at an instant (ns) of the counter's clock."""
    now = [0]
    monkeypatch.setattr(in_flight.time, "monotonic_ns", lambda: now[0])

    def call_at(instant_ns, function):
        now[0] = instant_ns
        return function()

    return call_at


def test_marks_hold_the_integral_of_the_requests_in_flight(at):
    counter = InFlight()
    assert at(100, counter.enter) == 100
    at(150, counter.enter)
    assert at(200, counter.leave) == 200
    at(230, counter.mark)
    at(250, counter.leave)
    at(400, counter.mark)
    assert counter.marks == [(230, 50 + 2 * 50 + 30), (400, 180 + 20)]
    assert (counter.current, counter.peak) == (0, 2)


def test_no_mark_is_kept_after_a_missed_request(at):
    counter = InFlight()
    at(100, counter.mark)
    counter.miss()
    at(500, counter.mark)
    assert counter.marks == [(100, 0)]
