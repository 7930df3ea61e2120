"""The gaps of an event loop, at instants that the tests choose, and in a real loop."""

import time

import gevent
import pytest

from loadgen.generator import loop_watch
from loadgen.generator.loop_watch import INTERVAL_NS, MAX_GAPS, LoopWatch

MS = 1_000_000


@pytest.fixture
def watch():
    """A watch that is due at 10 ms, and whose greenlet does not run."""
    made = LoopWatch()
    made._due_ns = 10 * MS
    return made


def lengths_ms(watch):
    return [length // 1000 for _, length, _ in watch.longest(0)]


def test_before_it_starts_nothing_is_a_gap():
    watch = LoopWatch()
    watch.note(5_000 * MS)
    assert watch.longest(0) == []


def test_an_idle_loop_has_no_gap(watch):
    watch.note(10 * MS)
    assert watch.longest(0) == []


def test_a_gap_lasts_from_when_the_loop_was_due(watch):
    watch.note(3 * MS)
    watch.note(55 * MS)
    assert watch.longest(0) == [(10_000, 45_000, pytest.approx(45_000, abs=45_000))]


def test_what_is_sent_meanwhile_divides_a_gap(watch):
    for at_ms in (12, 30, 34, 50):
        watch.note(at_ms * MS)
    assert lengths_ms(watch) == [2, 18, 4, 16]


def test_a_burst_of_sends_is_many_short_gaps(watch):
    for sent in range(200):
        watch.note(10 * MS + sent * MS // 4)
    assert lengths_ms(watch) == []


def test_the_longest_gaps_are_kept(watch):
    at_ms = 10
    for length_ms in range(2, 2 + 2 * MAX_GAPS):
        at_ms += length_ms
        watch.note(at_ms * MS)
    assert lengths_ms(watch) == list(range(2 + MAX_GAPS, 2 + 2 * MAX_GAPS))


def test_gaps_count_from_the_start_of_the_run(watch):
    watch.note(60 * MS)
    ((start_us, *_),) = watch.longest(4 * MS)
    assert start_us == 6_000


@pytest.mark.parametrize("stall", [time.sleep, "compute"])
def test_a_stalled_loop_is_noticed_within_an_interval(stall):
    watch = LoopWatch()
    watch.start()
    gevent.sleep(0.03)
    start_s = time.perf_counter()
    if stall == "compute":
        while time.perf_counter() - start_s < 0.06:
            pass
    else:
        stall(0.06)
    stalled_ms = 1000 * (time.perf_counter() - start_s)
    gevent.sleep(0.03)
    longest_ms = max(length / 1000 for _, length, _ in watch.longest(0))
    assert stalled_ms - INTERVAL_NS / MS - 1 <= longest_ms
    computed_us = max(watch.longest(0), key=lambda gap: gap[1])[2]
    assert (computed_us > 30_000) == (stall == "compute")


def test_the_watch_of_a_process_is_one():
    assert isinstance(loop_watch.watch, LoopWatch)
