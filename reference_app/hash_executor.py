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

Result = TypeVar("Result")


def run(compute: Callable[..., Result], *arguments: Any) -> Result:
    """Compute a hash in a free thread, or in the request's own if there is no limit. Booked as `hash`."""
    executor: Executor | None = current_app.extensions["hash_executor"]
    with server_timing.part("hash"):
        if executor is None:
            return compute(*arguments)
        return result_of(executor.submit(_at_low_priority, compute, *arguments))


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
