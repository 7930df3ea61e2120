"""The gaps of this process's event loop: times in which it was due to run, and neither sent, received nor woke.

A greenlet wakes at an interval. Where it wakes late, the loop was busy or stood still meanwhile; what it sent and
received in that time divides it into gaps. Example: due at 10 ms, a request sent at 12 ms, awake at 50 ms: gaps of 2
and 38 ms. A burst of sends is thus many short gaps, a pause for a collection of garbage, a flush or a task that
computes is one long gap, and so is a time in which the process got no core.
"""

import heapq
import time

import gevent

INTERVAL_NS = 10_000_000
MIN_GAP_NS = 1_000_000
MAX_GAPS = 50  # the longest ones are kept
NEVER_NS = 2**63


class LoopWatch:
    """The longest gaps so far; nothing counts as a gap before `start`."""

    def __init__(self) -> None:
        self._due_ns = NEVER_NS
        self._last_ns = self._woke_cpu_ns = 0
        self._gaps: list[tuple[int, int, int]] = []  # a heap of (length, start, CPU time), all in ns

    def start(self) -> None:
        """Watch the loop from now on, in a greenlet of its own."""
        gevent.spawn(self._wake_periodically)

    def note(self, at_ns: int) -> None:
        """Note that the loop does something at this instant (monotonic ns)."""
        if at_ns > self._due_ns:
            self._measure(at_ns)
        self._last_ns = at_ns

    def longest(self, started_ns: int) -> list[tuple[int, int, int]]:
        """The longest gaps in their order, in µs: start (from `started_ns`), length, and the CPU time in it at most."""
        ordered = sorted((start_ns, length_ns, cpu_ns) for length_ns, start_ns, cpu_ns in self._gaps)
        return [((start - started_ns) // 1000, length // 1000, cpu // 1000) for start, length, cpu in ordered]

    def _measure(self, at_ns: int) -> None:
        start_ns = max(self._due_ns, self._last_ns)
        length_ns = at_ns - start_ns
        if length_ns < MIN_GAP_NS or (len(self._gaps) == MAX_GAPS and length_ns <= self._gaps[0][0]):
            return
        cpu_ns = min(length_ns, time.thread_time_ns() - self._woke_cpu_ns)
        add = heapq.heappushpop if len(self._gaps) == MAX_GAPS else heapq.heappush
        add(self._gaps, (length_ns, start_ns, cpu_ns))

    def _wake_periodically(self) -> None:
        while True:
            self._woke_cpu_ns = time.thread_time_ns()
            self._due_ns = time.monotonic_ns() + INTERVAL_NS
            gevent.sleep(INTERVAL_NS / 1e9)
            self.note(time.monotonic_ns())


watch = LoopWatch()  # of this process
