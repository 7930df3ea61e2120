"""Record every request of a Locust run: one import in any locustfile is all that is needed.

    from loadgen.generator import recording

Each request gets a row with the exact times of its send and of its answer, see `stamp`. Requests through `HttpUser` and
`FastHttpUser` also carry `X-Request-Start` and `X-Request-ID`, and the row keeps the `Server-Timing` of the answer, if
there is any. What other clients report to Locust is recorded with Locust's own times.

Where a Locust was started by hand its rows go to a run of its own, which it names at its end.
"""

import itertools
from contextlib import suppress

import gevent
from locust import events

from . import manual_run, timestamps
from .config import BY_HAND, DIRECTORY, PROCESS, STARTED_NS
from .error_kinds import kind
from .recorder import FLUSH_EVERY_S, WRITE_FAILED, Recorder
from .summary import Account


def row(times, request_type, name, status, error, response_length, headers) -> tuple:
    """The values of `workbench.request_schema.WRITTEN` for what was noted of a request."""
    server_timing = headers.get("server-timing") if headers else None
    start_us = (times.sent_ns - STARTED_NS) // 1000
    return (
        times.user,
        times.sequence,
        f"{request_type} {name}" if name.startswith(("/", "http")) else name,  # Locust's own names lack the method
        times.measured,
        (times.scheduled_ns - STARTED_NS) // 1000 if times.scheduled_ns else start_us,
        start_us,
        (times.received_ns - times.sent_ns) // 1000,
        status or None,
        error,
        response_length,
        ", ".join(server_timing) if isinstance(server_timing, list) else server_timing,
    )


def give_up(environment, reason: str, code: int = WRITE_FAILED) -> None:
    """End the test at once; the run says why."""
    with suppress(OSError):  # on a full disk the code alone has to tell
        (DIRECTORY / "generator-error.txt").write_text(reason)
    environment.process_exit_code = code
    environment.runner.quit()


@events.init.add_listener
def start_recording(environment, runner, **_) -> Recorder | None:
    """Record from now on what the users of this process send."""
    if type(runner).__name__ == "MasterRunner":
        return None  # its workers send, and each records what it sends
    number = PROCESS
    if BY_HAND:
        number = manual_run.claim(DIRECTORY)
        timestamps.Person.numbers = itertools.count(number, manual_run.MOST_PROCESSES)
    account = Account(environment, number)
    timestamps.install()
    recorder = Recorder(DIRECTORY, row, lambda reason: give_up(environment, reason))

    def keep_flushing():
        while True:
            gevent.sleep(FLUSH_EVERY_S)
            recorder.flush()

    def record(request_type, name, response_time, response_length, response=None, exception=None, context=None, **_):
        times = context.get(timestamps.KEY) if context else None
        if times is None:
            times = timestamps.Stamp.afterwards(response_time or 0.0)
        elif not times.received_ns:
            times.receive()
        error = None if exception is None else kind(exception)
        status = headers = None
        if response is not None:
            status, headers = getattr(response, "status_code", None), getattr(response, "headers", None)
        recorder.add((times, request_type, name, status, error, response_length, headers))

    def finish(**_):
        recorder.close()
        account.close(recorder)

    environment.events.request.add_listener(record)
    environment.events.quitting.add_listener(finish)
    gevent.spawn(keep_flushing)
    return recorder
