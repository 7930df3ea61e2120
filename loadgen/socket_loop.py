"""An event loop of one thread: it serves the sockets that are ready and the calls that are due."""

import heapq
import itertools
import select
import selectors
import time
from collections.abc import Callable
from typing import Any, NamedTuple

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Call(NamedTuple):
    """A function to call with one argument at a time (monotonic seconds); the number keeps the order of equal times."""

    due_s: float
    number: int
    function: Callable[[Any], object]
    argument: Any


class SocketLoop:
    """The event loop. The data of a key in `selector` is the function to call with the events of its socket."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self._calls: list[Call] = []  # a heap
        self._numbers = itertools.count()

    def run(self) -> None:
        """Serve until the process ends."""
        while True:
            # epoll rounds its timeout up to a whole millisecond; select takes microseconds, and can watch the epoll.
            select.select([self.selector.fileno()], [], [], self._until_due_s())
            for key, events in self.selector.select(0):
                key.data(events)
                self._call_due()
            self._call_due()

    def call_later(self, delay_s: float, function: Callable[[Any], object], argument: Any) -> None:
        """Call the function when the delay is over."""
        self.call_at(time.monotonic() + delay_s, function, argument)

    def call_at(self, due_s: float, function: Callable[[Any], object], argument: Any) -> None:
        """Call the function at this time (monotonic seconds)."""
        heapq.heappush(self._calls, Call(due_s, next(self._numbers), function, argument))

    def _until_due_s(self) -> float | None:
        return max(0.0, self._calls[0].due_s - time.monotonic()) if self._calls else None

    def _call_due(self) -> None:
        while self._calls and self._calls[0].due_s <= time.monotonic():
            _, _, function, argument = heapq.heappop(self._calls)
            function(argument)
