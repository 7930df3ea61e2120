"""How many requests are on their way, integrated over time as they come and go: the left side of Little's law.

It is kept apart from the rows, so that a row that is lost, doubled or wrong in its times shows as a disagreement.
"""

import time


class InFlight:
    """The requests on their way now; `marks` are instants (monotonic ns) with the integral (request-ns) until then.

    The integral is the sum of the instants at which requests left, less those at which they came, plus now for each
    that is on its way.
    """

    def __init__(self):
        self.now = self.most = 0
        self.known = True
        self.marks: list[tuple[int, int]] = []
        self._left_less_entered_ns = 0

    def enter(self) -> int:
        """A request goes out at this instant, which is returned."""
        at_ns = time.monotonic_ns()
        self._left_less_entered_ns -= at_ns
        self.now += 1
        if self.now > self.most:
            self.most = self.now
        return at_ns

    def leave(self) -> int:
        """A request ends at this instant, which is returned."""
        at_ns = time.monotonic_ns()
        self._left_less_entered_ns += at_ns
        self.now -= 1
        return at_ns

    def miss(self) -> None:
        """A request was not seen until it had ended: how many are on their way is not known, and no mark is kept."""
        self.known = False

    def mark(self) -> None:
        """Keep the integral as it is now."""
        at_ns = time.monotonic_ns()
        if self.known:
            self.marks.append((at_ns, self._left_less_entered_ns + self.now * at_ns))
