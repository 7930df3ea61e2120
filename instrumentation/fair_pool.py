"""A pool whose waiting threads get connections in the order in which they began to wait.

SQLAlchemy's queue wakes a waiting thread when a connection comes back, and any other thread may take it meanwhile. When
more requests come than there are connections, some then wait tens of times as long as others. Here a connection that
comes back is handed over to the thread that has waited longest. That costs a switch of threads for each use, so it is
for pools that many requests wait for.
"""

import threading
from collections import deque
from typing import Any

from sqlalchemy.util.queue import Empty, Queue

from .timed_pool import TimedQueuePool


class _Waiter:
    """A thread that waits for an item; `received` is released once it has one."""

    def __init__(self) -> None:
        self.received = threading.Lock()
        self.received.acquire()
        self.items: list[Any] = []


class HandoffQueue(Queue[Any]):
    """SQLAlchemy's queue, but an item goes to the thread that has waited longest."""

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self._waiters: deque[_Waiter] = deque()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        with self.mutex:
            if self._waiters:
                waiter = self._waiters.popleft()
                waiter.items.append(item)
                waiter.received.release()
            else:
                super().put(item, block, timeout)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Raises SQLAlchemy's `Empty` without an item, with `block` after `timeout` seconds (None: never)."""
        with self.mutex:
            if not self._empty() or not block:
                return super().get(block=False)  # an item is here only if no thread waits
            waiter = _Waiter()
            self._waiters.append(waiter)
        waiter.received.acquire(timeout=-1 if timeout is None else timeout)
        with self.mutex:
            if waiter.items:
                return waiter.items[0]
            self._waiters.remove(waiter)
            raise Empty


class FairQueuePool(TimedQueuePool):
    """SQLAlchemy's default pool, timed and fair."""

    _queue_class = HandoffQueue
