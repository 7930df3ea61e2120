"""Record every request of a Locust run: one import in any locustfile is all that is needed.

    from loadgen.generator import recording

Each request gets a row with the exact times of its send and of its answer, see `stamp`. Requests through `HttpUser` and
`FastHttpUser` also carry `X-Request-Start` and `X-Request-ID`, and the row keeps the `Server-Timing` of the answer, if
there is any. What other clients report to Locust is recorded with Locust's own times.

Where a Locust was started by hand its rows go to a run of its own, which it names at its end.
"""

import json
import os
import time
from contextlib import suppress

import gevent
from locust import events

from . import stamp
from .asked import DIRECTORY, PROCESS, STARTED_NS
from .errors import kind
from .recorder import FLUSH_EVERY_S, WRITE_FAILED, Recorder

about: dict = {}  # what else the generator tells of itself at its end


def row(request_type, name, response_time, response_length, response, exception, context) -> tuple:
    """The values of `analysis.stream.WRITTEN` for a request that Locust reports."""
    times = context.get(stamp.KEY) if context else None
    if times is None:
        user = sequence = None
        measured, received_ns = True, time.monotonic_ns()
        scheduled_ns = sent_ns = received_ns - round((response_time or 0) * 1e6)
    else:
        if not times.received_ns:
            times.receive()
        user, sequence, measured = times.user, times.sequence, times.measured
        sent_ns, received_ns = times.sent_ns, times.received_ns
        scheduled_ns = times.scheduled_ns or sent_ns
    headers = getattr(response, "headers", None)
    return (
        user,
        sequence,
        f"{request_type} {name}" if name.startswith(("/", "http")) else name,  # Locust's own names lack the method
        measured,
        (scheduled_ns - STARTED_NS) // 1000,
        (sent_ns - STARTED_NS) // 1000,
        (received_ns - sent_ns) // 1000,
        getattr(response, "status_code", None) or None,
        None if exception is None else kind(exception),
        response_length,
        headers.get("server-timing") if headers else None,
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
    stamp.install()
    recorder = Recorder(DIRECTORY, lambda reason: give_up(environment, reason))
    counted = {"reported": 0}

    def keep_flushing():
        while True:
            gevent.sleep(FLUSH_EVERY_S)
            recorder.flush()

    def record(request_type, name, response_time, response_length, response=None, exception=None, context=None, **_):
        recorder.add(row(request_type, name, response_time, response_length, response, exception, context))

    def count_reported(data, **_):
        # A worker's statistics begin anew with each report to its master.
        counted["reported"] += data["stats_total"]["num_requests"]

    def finish(environment, **_):
        recorder.close()
        told = {
            "process": PROCESS,
            "pid": os.getpid(),
            "started_ns": STARTED_NS,
            "requests": counted["reported"] + environment.stats.total.num_requests,
            "rows": recorder.rows,
            "longest_flush_ms": recorder.longest_flush_ms,
            "most_in_flight": stamp.in_flight.most,
            "marks": [((at_ns - STARTED_NS) // 1000, integral // 1000) for at_ns, integral in stamp.in_flight.marks],
            **about,
        }
        (DIRECTORY / f"generator-{PROCESS}.json").write_text(json.dumps(told))

    environment.events.request.add_listener(record)
    environment.events.report_to_master.add_listener(count_reported)
    environment.events.quitting.add_listener(finish)
    gevent.spawn(keep_flushing)
    return recorder
