"""What a request waits for its event loop under gevent: the time in which other greenlets of the worker compute.

The loop polls for what has happened, runs each greenlet that waited for it, one after the other, and polls again. It
does not know when something happened between two polls. Of each wait this is booked:

    s = t − max(w, p)                  for what happens outside of the worker
    s' = max(s, Σ max(0, b − G))       for what another greenlet has to do first, such as giving a connection back

    s, s'  what the greenlet waited for the loop
    w, t   it began to wait, it went on
    p      the last poll before t, if it had to wait: nothing had happened before; otherwise the poll before that
    b      a time between two polls in which greenlets ran, as far as it lies within the wait
    G      the shortest such time that counts, 5 ms

s is too long by at most the time between two polls, and right after a poll that waited. Earlier polls do not count:
what they did not find had not happened yet. A wait for another greenlet is longer by every wait of that one, so each
longer time between two polls counts.

The cost is one call for each switch between loop and greenlet, and one for each poll: about 4 µs of CPU a wait, and
nothing while the worker is idle.
"""

import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

# A poll that finds something at once takes less, from the end of the last greenlet's turn on; after long turns the
# process may first lose its core, or the poll its cache.
PAUSE_NS, PAUSE_OF_TURNS = 50_000, 0.01
GRACE_NS = 5_000_000
LOOP_MODULE = "gevent.hub"


class Waiting(Protocol):
    """A request that waits."""

    def wait_for_loop(self, waited_ns: int, stalled_ns: int) -> None:
        """Book s, or s', of the wait that just ended; `stalled_ns` is the sum in s'."""


CurrentRequest = Callable[[], Waiting | None]


class LoopWatch:
    """Books the waits for the loop that `hub` runs; `current` is called in each greenlet that goes on after a wait."""

    def __init__(self, hub: Any, current: CurrentRequest):
        import greenlet  # is there where gevent is; other servers need neither

        self._polled_ns = self._turns_end_ns = self._since_ns = time.monotonic_ns()
        self._stalled_ns = 0  # by the turns until the last poll
        self._checks = hub.loop.check(ref=False)
        self._checks.start(self._note_poll)
        greenlet.settrace(self._tracer(hub, current))

    def _note_poll(self) -> None:
        now_ns = time.monotonic_ns()
        turns_ns = self._turns_end_ns - self._polled_ns
        if turns_ns > GRACE_NS:
            self._stalled_ns += turns_ns - GRACE_NS
        has_paused = now_ns - self._turns_end_ns > PAUSE_NS + PAUSE_OF_TURNS * turns_ns
        self._since_ns = now_ns if has_paused else self._polled_ns
        self._polled_ns = now_ns

    def _tracer(self, hub: Any, current: CurrentRequest) -> Callable[[str, tuple[Any, Any]], None]:
        # A closure that calls little: it is called twice for each wait.
        clock = time.monotonic_ns

        def trace(event: str, greenlets: tuple[Any, Any]) -> None:
            origin, target = greenlets
            if target is hub:
                self._turns_end_ns = now_ns = clock()
                turns_ns = now_ns - self._polled_ns
                origin.wait_began_ns = now_ns
                origin.stalled_ns = self._stalled_ns + (turns_ns - GRACE_NS if turns_ns > GRACE_NS else 0)
            elif origin is hub and (request := current()) and (began_ns := getattr(target, "wait_began_ns", 0)):
                now_ns, since_ns = clock(), self._since_ns
                turns_ns = now_ns - self._polled_ns
                stalled_ns = self._stalled_ns + (turns_ns - GRACE_NS if turns_ns > GRACE_NS else 0)
                waited_ns = now_ns - (began_ns if began_ns > since_ns else since_ns)
                request.wait_for_loop(waited_ns, stalled_ns - target.stalled_ns)

        return trace


_watches: dict[int, LoopWatch] = {}  # by the id of their hub


def watch(current: CurrentRequest) -> bool:
    """Watch the loop of the calling greenlet from now on, if it has one; False if its waits cannot be known.

    In a thread that is no greenlet of gevent nothing waits for a loop: True, and nothing is watched. A profiler that
    traces greenlets keeps its place. `current` gives the request of the greenlet that calls it.
    """
    loops = sys.modules.get(LOOP_MODULE)
    if loops is None:
        return True
    import greenlet

    hub = greenlet.getcurrent().parent
    if not isinstance(hub, loops.Hub) or id(hub) in _watches:
        return True
    if greenlet.gettrace():
        return False
    _watches[id(hub)] = LoopWatch(hub, current)
    return True
