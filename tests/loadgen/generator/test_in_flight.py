import pytest

from loadgen.generator import in_flight
from loadgen.generator.in_flight import InFlight


@pytest.fixture
def clock(monkeypatch):
    """Marks are made at the instant that the test says."""
    now = [0]
    monkeypatch.setattr(in_flight.time, "monotonic_ns", lambda: now[0])
    return now


def test_the_integral_is_that_of_the_requests_in_flight(clock):
    counted = InFlight()
    counted.enter(100)
    counted.enter(150)
    counted.leave(200)
    clock[0] = 230
    counted.mark()
    counted.leave(250)
    clock[0] = 400
    counted.mark()
    assert counted.marks == [(230, 50 + 2 * 50 + 30), (400, 180 + 20)]
    assert (counted.now, counted.most) == (0, 2)


def test_stamps_out_of_order_count_each_request_for_its_time(clock):
    counted = InFlight()
    counted.enter(200)
    counted.enter(190)
    counted.leave(300)
    counted.leave(290)
    clock[0] = 500
    counted.mark()
    assert counted.marks == [(500, 100 + 100)]
