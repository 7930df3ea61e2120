"""The gaps of this process's event loop: times in which it was due to run, and neither sent nor received.

A timer is due at an interval. Where it comes late, the loop was busy or stood still meanwhile; what it sent and
received in that time divides it into gaps. Example: due at 20 ms, a request sent at 22 ms, the timer at 60 ms: gaps of
2 and 38 ms. A burst of sends is thus many short gaps, a pause for a collection of garbage, a flush or a task that
computes is one long gap, and so is a time in which the process got no core.
"""

import heapq
import time
from typing import Any

import gevent

INTERVAL_NS = 20_000_000  # a wake of an idle process costs about 20 µs
MIN_GAP_NS = 1_000_000
MAX_GAPS = 50  # the longest ones are kept
NEVER_NS = 2**63


class LoopWatch:
    """The longest gaps so far; nothing counts as a gap before `start`."""

    def __init__(self) -> None:
        self._due_ns = NEVER_NS
        self._last_ns = self._woke_cpu_ns = 0
        self._timer: Any = None
        self._gaps: list[tuple[int, int, int]] = []  # a heap of (length, start, CPU time), all in ns

    def start(self) -> None:
        """Watch the loop from now on."""
        # Not a greenlet that sleeps: it would cost twice as much.
        self._timer = gevent.get_hub().loop.timer(INTERVAL_NS / 1e9, INTERVAL_NS / 1e9)
        self._timer.start(self._wake)
        self._wake()

    def close(self) -> None:
        """Watch the loop no longer."""
        if self._timer:
            self._timer.close()
            self._timer = None

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

    def _wake(self) -> None:
        at_ns = time.monotonic_ns()
        self.note(at_ns)
        self._woke_cpu_ns, self._due_ns = time.thread_time_ns(), at_ns + INTERVAL_NS


watch = LoopWatch()  # of this process
