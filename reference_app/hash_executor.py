"""Threads that compute password hashes: as many at once as `hash_limit` allows, at low priority."""

import os
import sys
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, TypeVar

from flask import Flask, current_app

from instrumentation import server_timing

from .event_loop import result_of
from .settings import Settings, current_settings

NICENESS = 10
EXPIRED = object()  # the result of a hash whose request has stopped waiting

Result = TypeVar("Result")


class HashWaitExceeded(Exception):
    """A hash that did not get its turn within `hash_wait_ms`."""


class Turn:
    """The turn of one hash: either its thread takes it, or the request that gives up; both at once is impossible."""

    def __init__(self) -> None:
        self._untaken = [None]

    def take(self) -> bool:
        """True for the first caller only."""
        try:
            self._untaken.pop()  # atomic, also between a greenlet and a real thread
        except IndexError:
            return False
        return True

    def compute(self, compute: Callable[..., Any], *arguments: Any) -> Any:
        """The hash; `EXPIRED` if the request has stopped waiting."""
        return _at_low_priority(compute, *arguments) if self.take() else EXPIRED


def run(compute: Callable[..., Result], *arguments: Any) -> Result:
    """Compute a hash in a free thread, or in the request's own if there is no limit. Booked as `hash`.

    Raises `HashWaitExceeded` if no thread gets free within `hash_wait_ms`.
    """
    executor: Executor | None = current_app.extensions["hash_executor"]
    with server_timing.part("hash"):
        if executor is None:
            return compute(*arguments)
        turn = Turn()
        future = executor.submit(turn.compute, compute, *arguments)
        if wait_ms := current_settings().hash_wait_ms:
            try:
                return result_of(future, wait_ms / 1000)
            except TimeoutError:
                if turn.take():
                    raise HashWaitExceeded(f"no turn within {wait_ms} ms") from None
        return result_of(future)


def run_in_every_thread(compute: Callable[[], object]) -> None:
    """Compute as many times at once as there are threads."""
    executor: Executor | None = current_app.extensions["hash_executor"]
    if executor is not None:
        for future in [executor.submit(_at_low_priority, compute) for _ in range(current_settings().hash_limit)]:
            result_of(future)


def _at_low_priority(compute: Callable[..., Result], *arguments: Any) -> Result:
    """On Linux each thread has a niceness of its own, so that a read need not wait for hashes."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    return compute(*arguments)


def _executor(settings: Settings) -> Executor | None:
    """Real threads, also where the server replaces threads by greenlets: a hash in the loop would stop every request.

    They serve hashes only: a hash reuses the memory that an earlier one touched, where a request's thread would have
    to ask the kernel for it page by page.
    """
    if not settings.hash_limit:
        return None
    if settings.server == "gevent":
        from gevent.threadpool import ThreadPoolExecutor as RealThreadPoolExecutor  # other servers need no gevent

        return RealThreadPoolExecutor(settings.hash_limit)
    return ThreadPoolExecutor(settings.hash_limit, "hash")


def init_app(app: Flask, settings: Settings) -> None:
    """Create the threads."""
    app.extensions["hash_executor"] = _executor(settings)
