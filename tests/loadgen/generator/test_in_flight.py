import pytest

from loadgen.generator import in_flight
from loadgen.generator.in_flight import InFlight


@pytest.fixture
def at(monkeypatch):
    """Calls of the counter happen at the instants that the test says."""
    now = [0]
    monkeypatch.setattr(in_flight.time, "monotonic_ns", lambda: now[0])

    def happen(instant_ns, call):
        now[0] = instant_ns
        return call()

    return happen


def test_the_integral_is_that_of_the_requests_in_flight(at):
    counted = InFlight()
    assert at(100, counted.enter) == 100
    at(150, counted.enter)
    assert at(200, counted.leave) == 200
    at(230, counted.mark)
    at(250, counted.leave)
    at(400, counted.mark)
    assert counted.marks == [(230, 50 + 2 * 50 + 30), (400, 180 + 20)]
    assert (counted.now, counted.most) == (0, 2)


def test_there_is_no_mark_where_a_request_was_not_seen_until_its_end(at):
    counted = InFlight()
    at(100, counted.mark)
    counted.miss()
    at(500, counted.mark)
    assert counted.marks == [(100, 0)]
