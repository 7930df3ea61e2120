"""Record every request of a Locust run: one import in any locustfile is all that is needed.

    from loadgen.generator import recording

Each request gets a row with the exact times of its send and of its response, see `timestamps`. Requests through
`HttpUser` and `FastHttpUser` also carry `X-Request-Start` and `X-Request-ID`, and the row keeps the `Server-Timing` of
the response, if there is any. Requests of other clients are recorded with the times that they report to Locust.

The rows of a Locust that was started manually go to a run of its own, which is printed at its end.
"""

import itertools
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.runners import Runner

from . import manual_run, timestamps
from .config import DIRECTORY, IS_MANUAL, PROCESS, STARTED_NS
from .error_kinds import error_kind
from .recorded_text import without_secrets
from .recorder import EXIT_WRITE_FAILED, FLUSH_EVERY_S, Recorder
from .summary import Summary, details
from .timestamps import Timestamps
from .virtual_user import VirtualUser


def row(
    times: Timestamps,
    request_type: str,
    name: str,
    status: int | None,
    error: str | None,
    response_length: int,
    headers: Mapping[str, Any] | None,
) -> tuple:
    """The values of `workbench.request_schema.WRITTEN`, in its order, for one request."""
    server_timing = headers.get("server-timing") if headers else None
    start_us = (times.sent_ns - STARTED_NS) // 1000
    return (
        times.user,
        times.sequence,
        # Locust's own names lack the method, and may have a query.
        without_secrets(f"{request_type} {name}" if name.startswith(("/", "http")) else name),
        times.measured,
        (times.scheduled_ns - STARTED_NS) // 1000 if times.scheduled_ns else start_us,
        start_us,
        (times.received_ns - times.sent_ns) // 1000,
        status or None,
        error,
        response_length,
        ", ".join(server_timing) if isinstance(server_timing, list) else server_timing,
    )


def abort(environment: Environment, reason: str, exit_code: int = EXIT_WRITE_FAILED) -> None:
    """End the test at once; the run's record gives the reason."""
    with suppress(OSError):  # on a full disk the exit code alone has to do
        (DIRECTORY / "generator-error.txt").write_text(reason)
    environment.process_exit_code = exit_code
    if environment.runner:
        environment.runner.quit()


@events.init.add_listener
def start_recording(environment: Environment, runner: Runner, **_: object) -> Recorder | None:
    """Record what the users of this process send from now on; a master sends nothing and returns None."""
    if type(runner).__name__ == "MasterRunner":
        return None
    number = PROCESS
    if IS_MANUAL:
        number = manual_run.claim_number(DIRECTORY)
        VirtualUser.numbers = itertools.count(number, manual_run.MAX_PROCESSES)
    summary = Summary(environment, number)
    timestamps.install()
    recorder = Recorder(DIRECTORY, row, lambda reason: abort(environment, reason))
    _record_requests(environment, recorder)

    def finish(**_: object) -> None:
        recorder.close()
        if IS_MANUAL:
            details["locust"] = manual_run.options(environment)
        summary.close(recorder)

    environment.events.quitting.add_listener(finish)
    gevent.spawn(_flush_periodically, recorder)
    return recorder


def _record_requests(environment: Environment, recorder: Recorder) -> None:
    """Add a row for each request that is reported to Locust."""

    def record(
        request_type: str,
        name: str,
        response_time: float | None,
        response_length: int,
        response: Any = None,
        exception: BaseException | None = None,
        context: dict | None = None,
        **_: object,
    ) -> None:
        times = context.get(timestamps.KEY) if context else None
        if times is None:
            times = Timestamps.estimated(response_time or 0.0)
        elif not times.received_ns:
            times.mark_received()
        error = None if exception is None else error_kind(exception)
        status = headers = None
        if response is not None:
            status, headers = getattr(response, "status_code", None), getattr(response, "headers", None)
        recorder.add((times, request_type, name, status, error, response_length, headers))

    environment.events.request.add_listener(record)


def _flush_periodically(recorder: Recorder) -> None:
    while True:
        gevent.sleep(FLUSH_EVERY_S)
        recorder.flush()
