"""The number of requests in flight, integrated over time as they come and go: the left side of Little's law.

It is kept apart from the rows, so that a row that is lost, doubled or wrong in its times shows as a disagreement.
"""

import time

from .loop_watch import watch


class InFlight:
    """The requests in flight: `current` and the `peak` so far.

    `marks` are instants (monotonic ns) with the integral (request-ns) until then. The integral is the sum of the
    instants at which requests left, less those at which they entered, plus now for each that is in flight. Example:
    one request from 100 to 200 ns gives 200 - 100 = 100 request-ns from then on.
    """

    def __init__(self) -> None:
        self.current = self.peak = 0
        self.is_complete = True
        self.marks: list[tuple[int, int]] = []
        self._left_less_entered_ns = 0

    def enter(self) -> int:
        """Count a request that goes out; returns the instant (monotonic ns)."""
        at_ns = time.monotonic_ns()
        watch.note(at_ns)
        self._left_less_entered_ns -= at_ns
        self.current += 1
        if self.current > self.peak:
            self.peak = self.current
        return at_ns

    def leave(self) -> int:
        """Count a request that ends; returns the instant (monotonic ns)."""
        at_ns = time.monotonic_ns()
        watch.note(at_ns)
        self._left_less_entered_ns += at_ns
        self.current -= 1
        return at_ns

    def miss(self) -> None:
        """Note a request that was seen only at its end: the number in flight is not known, and no mark is kept."""
        self.is_complete = False

    def mark(self) -> None:
        """Keep the integral as it is now."""
        at_ns = time.monotonic_ns()
        if self.is_complete:
            self.marks.append((at_ns, self._left_less_entered_ns + self.current * at_ns))
