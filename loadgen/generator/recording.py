"""Record every request of a Locust run: one import in any locustfile is all that is needed.

    from loadgen.generator import recording

Each request gets a row with the exact times of its send and of its response, see `timestamps`. Requests through
`HttpUser` and `FastHttpUser` also carry `X-Request-Start` and `X-Request-ID`, and the row keeps the `Server-Timing` of
the response, if there is any. Requests of other clients are recorded with the times that they report to Locust.

The rows of a Locust that was started manually go to a run of its own, which is printed at its end.
"""

import atexit
import itertools
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NoReturn

import gevent
from geventhttpclient.header import Headers
from locust import events
from locust.env import Environment
from locust.event import EventHook
from locust.runners import MasterRunner, Runner, WorkerRunner

from . import loop_watch, manual_run, recorder, run_token, summary, timestamps
from .config import HAS_OWN_USERS, IS_MANUAL, PROCESS
from .destination import destination, share
from .error_kinds import error_kind
from .interface import ABORTED, REFUSED
from .recorded_text import without_secrets
from .recorder import FLUSH_EVERY_S, Recorder
from .timestamps import Timestamps
from .virtual_user import VirtualUser

UNFIT = -1


def row(
    times: Timestamps,
    request_type: str,
    name: str,
    status: int | None,
    error: str | None,
    response_length: int,
    server_timing: str | None,
) -> tuple:
    """The values of `workbench.request_schema.WRITTEN`, in its order, for one request."""
    started_ns = destination().started_ns
    start_us = (times.sent_ns - started_ns) // 1000
    return (
        times.user,
        times.sequence,
        name if HAS_OWN_USERS else without_secrets(f"{request_type} {name}".strip()),  # a name may have a query
        times.phase,
        (times.scheduled_ns - started_ns) // 1000 if times.scheduled_ns else start_us,
        None if times.user_wait_ns is None else times.user_wait_ns // 1000,
        start_us,
        _latency_us(times),
        status or None,
        error,
        response_length,
        server_timing,
    )


def _server_timing(headers: Mapping[str, Any]) -> str | None:
    """The `Server-Timing` of a response: taken now, as its headers are more to keep until the rows are made."""
    if type(headers) is Headers and not dict.__contains__(headers, "server-timing"):
        return None  # the quick way of the usual client, which has lower-case keys
    timing = headers.get("server-timing")
    return ", ".join(timing) if isinstance(timing, list) else timing


def _latency_us(times: Timestamps) -> int | None:
    """The latency; None where the client reports none.

    For what is no time it is a value that fits into no row, so that the row has null and the value is counted.
    """
    if times.has_latency:
        return (times.received_ns - times.sent_ns) // 1000
    return None if times.reported is None else UNFIT


def abort(environment: Environment, reason: str) -> None:
    """End the test at once; the run's record gives the reason."""
    with suppress(OSError):  # on a full disk the missing summary has to do
        (destination().directory / ABORTED).write_text(reason)
    environment.process_exit_code = 1
    if environment.runner:
        environment.runner.quit()


def refuse(reason: str) -> NoReturn:
    """End this process before its load: a scenario cannot keep what the locustfile says."""
    (destination().directory / REFUSED).write_text(reason)
    sys.exit(1)


# Before Locust connects a worker to its master, which would take the pause for a failure.
recorder.prepare()


@events.init.add_listener
def start_recording(environment: Environment, runner: Runner, **_: object) -> Recorder | None:
    """Record what the users of this process send from now on; a master sends nothing and returns None."""
    if not IS_MANUAL:
        return None if isinstance(runner, MasterRunner) else record_process(environment, PROCESS)
    if isinstance(runner, WorkerRunner):  # its master knows the run by the time that it lets users start
        _at_first(environment.events.test_start, lambda: _record_manual(environment, runner))
        return None
    return _record_manual(environment, runner)


def _at_first(event: EventHook, action: Callable[[], object]) -> None:
    """Do something when the event is fired for the first time."""

    def listener(**_: object) -> None:
        event.remove_listener(listener)
        action()

    event.add_listener(listener)


def _record_manual(environment: Environment, runner: Runner) -> Recorder | None:
    """Record a process of a Locust that was started manually."""
    summary.details["is_part"] = share(runner)
    if isinstance(runner, MasterRunner):
        return None
    number = manual_run.claim_number(destination().directory)
    VirtualUser.numbers = itertools.count(number, manual_run.MAX_PROCESSES)
    return record_process(environment, number)


def record_process(environment: Environment, number: int) -> Recorder:
    """Record the users of this process, which has this number among those of the load generator."""
    counts = summary.Summary(environment, number)
    timestamps.install()
    run_token.install(environment)
    rows = Recorder(destination().directory, row, lambda reason: abort(environment, reason), _in_flight)
    _record_requests(environment, rows)

    def finish(**_: object) -> None:
        rows.close()
        loop_watch.watch.close()
        if IS_MANUAL:
            summary.details["locust"] = manual_run.options(environment)
        counts.close(rows)

    # After `quitting`, at which a locustfile may still send requests and choose the exit code. A locustfile that leaves
    # by `sys.exit` skips it.
    environment.events.quit.add_listener(finish)
    atexit.register(finish)
    gevent.spawn(_flush_periodically, rows)
    loop_watch.watch.start()
    return rows


def _in_flight() -> int | None:
    """The requests in flight; None where a client's requests are seen at their end only."""
    counted = timestamps.in_flight
    return counted.current if counted.is_complete else None


def _record_requests(environment: Environment, rows: Recorder) -> None:
    """Add a row for each request that is reported to Locust."""

    def record(
        request_type: str,
        name: str,
        response_time: Any,
        response_length: int,
        response: Any = None,
        exception: BaseException | None = None,
        context: dict | None = None,
        **_: object,
    ) -> None:
        times = context.get(timestamps.KEY) if context else None
        if times is None:
            times = Timestamps.estimated(response_time)
        elif not times.received_ns:
            times.mark_received()
        error = None if exception is None else error_kind(exception)
        status = timing = None
        if response is not None:
            status, headers = getattr(response, "status_code", None), getattr(response, "headers", None)
            timing = None if headers is None else _server_timing(headers)
        rows.add((times, request_type, name, status, error, response_length, timing))

    environment.events.request.add_listener(record)


def _flush_periodically(rows: Recorder) -> None:
    while True:
        gevent.sleep(FLUSH_EVERY_S)
        rows.flush()
