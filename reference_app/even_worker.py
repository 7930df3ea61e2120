"""A worker of gunicorn with threads that leaves new connections to workers with fewer.

All workers accept from one socket, and the one that wakes first takes a connection: without a rule one of two had up to
93 % of them. Here a worker that is ahead of another by more than a connection stops accepting for a moment. If the
other one did not come, as it is stuck, the worker takes what is waiting.
"""

import mmap
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

LEAD = 1  # connections that a worker may have more than another: each accepts without waiting for the other's turn
PATIENCE_S = 0.005
ABSENT = -1


class OpenConnections:
    """The number of open connections of each worker, in memory that the workers share; to be created before the fork.

    A worker beyond the last place, as one may be while another is replaced, is not counted.
    """

    def __init__(self, workers: int):
        self._counts = memoryview(mmap.mmap(-1, 4 * workers)).cast("i")
        for worker in range(workers):
            self._counts[worker] = ABSENT

    def put(self, worker: int, count: int) -> None:
        """Note the number of a worker."""
        if worker < len(self._counts):
            self._counts[worker] = count

    def clear(self, worker: int) -> None:
        """Note that a worker accepts no connections any more."""
        self.put(worker, ABSENT)

    def fewest(self) -> int:
        """The smallest number of a worker that accepts; 0 if there is none."""
        return min((count for count in self._counts if count != ABSENT), default=0)


class EvenWorker(ThreadWorker):
    """gunicorn's `gthread` with as many connections in each worker, give or take a few."""

    open_connections: OpenConnections  # set by the server before it forks
    number: int  # among the workers, set by the server

    def __init__(self, *args: Any, **kwargs: Any):
        self._open = 0
        self._is_running = False
        self._resume_at = self._take_all_until = 0.0
        super().__init__(*args, **kwargs)

    @property
    def nr_conns(self) -> int:
        """The number of open connections: gunicorn counts it by this name."""
        return self._open

    @nr_conns.setter
    def nr_conns(self, count: int) -> None:
        self._open = count
        if self._is_running:
            self.open_connections.put(self.number, count)

    def run(self) -> None:
        """Serve; other workers know of this one meanwhile."""
        self._is_running = True
        self.nr_conns = 0
        try:
            super().run()
        finally:
            self._is_running = False
            self.open_connections.clear(self.number)

    def accept(self, listener: Any) -> None:
        """Accept a connection, or leave it to another worker."""
        now = time.monotonic()
        if self._open - self.open_connections.fewest() > LEAD and now >= self._take_all_until:
            self._resume_at, self._take_all_until = now + PATIENCE_S, now + 2 * PATIENCE_S
            self.set_accept_enabled(False)
        else:
            super().accept(listener)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept from now on or not; not before the time that was left to another worker is over."""
        super().set_accept_enabled(enabled and time.monotonic() >= self._resume_at)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Handle what happens next, for at most `timeout` seconds and until accepting is due again."""
        left_s = self._resume_at - time.monotonic()
        super().wait_for_and_dispatch_events(min(timeout, left_s) if left_s > 0 else timeout)
