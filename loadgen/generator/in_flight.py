"""How many requests are on their way, integrated over time as they come and go: the left side of Little's law.

It is kept apart from the rows, so that a row that is lost, doubled or wrong in its times shows as a disagreement.
"""

import time


class InFlight:
    """The requests on their way now; `marks` are instants (monotonic ns) with the integral (request-ns) until then."""

    def __init__(self):
        self.now = self.most = 0
        self.marks: list[tuple[int, int]] = []
        self._integral_ns = self._last_ns = 0

    def enter(self, at_ns: int) -> None:
        # Stamps of greenlets can come a little out of order; the integral only needs that none is counted twice.
        self._integral_ns += self.now * (at_ns - self._last_ns)
        self._last_ns = at_ns
        self.now += 1
        if self.now > self.most:
            self.most = self.now

    def leave(self, at_ns: int) -> None:
        self._integral_ns += self.now * (at_ns - self._last_ns)
        self._last_ns = at_ns
        self.now -= 1

    def mark(self) -> None:
        """Keep the integral as it is now."""
        at_ns = time.monotonic_ns()
        self.marks.append((at_ns, self._integral_ns + self.now * (at_ns - self._last_ns)))
