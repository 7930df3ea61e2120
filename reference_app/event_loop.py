"""Waiting where the server is an event loop, by code that is written once for all servers.

Under uvicorn each synchronous function of a request runs in a greenlet of its worker's loop, as by SQLAlchemy's
`run_sync`. Where it has to wait it hands an awaitable to the loop, which serves other requests meanwhile.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from inspect import isawaitable
from typing import Any, Protocol, TypeVar

from sqlalchemy.util.concurrency import await_, in_greenlet

Result = TypeVar("Result")


def completed(value: Any) -> Any:
    """The value itself, or the result of an awaitable, which is awaited; only a greenlet of a loop can do that."""
    return await_(value) if isawaitable(value) else value


def result_of(future: Future[Result], timeout_s: float | None = None) -> Result:
    """The result of a thread's work; waits for it, in a loop without stopping the loop.

    Raises `TimeoutError` after `timeout_s`; the work goes on.
    """
    if not in_greenlet():
        return future.result(timeout_s)
    return await_(asyncio.wait_for(asyncio.shield(asyncio.wrap_future(future)), timeout_s))


class Lock(Protocol):
    """What `threading.Lock` and `LoopLock` have in common."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock; False if it is taken, and stays so for `timeout` seconds (-1: for ever) if `blocking`."""

    def release(self) -> None:
        """Give the lock back."""

    def locked(self) -> bool:
        """True if the lock is taken."""


CreateLock = Callable[[], Lock]


def thread_lock() -> Lock:
    """A lock of `threading`, by the name that it has now: gevent replaces it after this module was imported."""
    return threading.Lock()


class LoopLock:
    """A lock for the greenlets of one loop, with the methods of `threading.Lock`."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if not self._lock.locked():
            return await_(self._lock.acquire())
        return blocking and await_(self._acquire_in_time(timeout))

    async def _acquire_in_time(self, timeout: float) -> bool:
        try:
            async with asyncio.timeout(timeout if timeout >= 0 else None):
                return await self._lock.acquire()
        except TimeoutError:
            return False

    def release(self) -> None:
        self._lock.release()

    def locked(self) -> bool:
        return self._lock.locked()


class Completing:
    """A client with coroutines, such as redis-py's, as one whose methods return results.

    Objects that its methods return are wrapped too, if they have coroutines of their own: `wrapped` are their classes.
    """

    def __init__(self, inner: Any, wrapped: tuple[type, ...] = ()):
        self._inner = inner
        self._wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._inner, name)
        if not callable(attribute):
            return attribute

        def call(*arguments: Any, **named: Any) -> Any:
            result = completed(attribute(*arguments, **named))
            return Completing(result) if isinstance(result, self._wrapped) else result

        return call
