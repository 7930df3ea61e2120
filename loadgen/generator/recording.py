"""Record every request of a Locust run: one import in any locustfile is all that is needed.

    from loadgen.generator import recording

Each request gets a row with the exact times of its send and of its answer, by stamps of our own: Locust's watch starts
later, by much where the generator has to wait for its core. Requests through `HttpUser` and `FastHttpUser` also carry
`X-Request-Start` and `X-Request-ID`, and the row keeps the `Server-Timing` of the answer, if there is any. What other
clients report to Locust is recorded with Locust's own times.

Where a Locust was started by hand its rows go to a run of its own, which it names at its end.
"""

import itertools
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import wraps

import gevent
from locust import events
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession

from analysis.stream import request_name

from .asked import DIRECTORY, PROCESS, PROCESSES, STARTED_NS
from .errors import kind
from .in_flight import InFlight
from .recorder import FLUSH_EVERY_S, WRITE_FAILED, Recorder

STAMP = "tracetrack_stamp"

in_flight = InFlight()
about: dict = {}  # what else the generator tells of itself at its end


class Person:
    """Who a user is in the rows, and when their next request was due."""

    __slots__ = ("measured", "number", "scheduled_ns", "sequence")
    numbers = itertools.count(PROCESS, PROCESSES)
    measured_at_first = True

    def __init__(self):
        self.number = next(Person.numbers)
        self.sequence = 0
        self.scheduled_ns: int | None = None  # of the next request alone
        self.measured = self.measured_at_first

    def next_name(self) -> str:
        """The name that the next request will have."""
        return request_name(self.number, self.sequence + 1)


def person(user) -> Person:
    """The one behind a Locust user."""
    try:
        return user.recorded_as
    except AttributeError:
        user.recorded_as = Person()
        return user.recorded_as


class Stamp:
    """The times of one request; a class, because Locust hands on a copy of the context but the same objects in it.

    It is the value of its own header: that is put into words when the request is, just before it is sent.
    """

    __slots__ = ("measured", "received_ns", "scheduled_ns", "sent_ns", "sequence", "user")

    def __init__(self, who: Person):
        who.sequence += 1
        self.user, self.sequence, self.measured = who.number, who.sequence, who.measured
        self.scheduled_ns, who.scheduled_ns = who.scheduled_ns, None
        self.sent_ns = self.received_ns = 0

    def __str__(self) -> str:
        """The value of `X-Request-Start` for what is sent now. The first counts: a redirect is part of a request."""
        now_ns = time.monotonic_ns()
        if not self.sent_ns:
            self.sent_ns = now_ns
            in_flight.enter(now_ns)
        return f"t={now_ns}"

    def received(self) -> None:
        """The answer is there, or will not come. The first call counts."""
        if not self.received_ns:
            str(self)  # a request that was never sent took no time
            self.received_ns = time.monotonic_ns()
            in_flight.leave(self.received_ns)


def stamped(request, header: Callable[[Stamp], object]):
    """The `request` of a Locust session, with a stamp in its context and the headers that the application reads."""

    @wraps(request)
    def send(self, method, url, *arguments, headers=None, context=None, **options):
        stamp = Stamp(person(self.user or self))
        headers = {
            **(headers or {}),
            "X-Request-Start": header(stamp),
            "X-Request-ID": request_name(stamp.user, stamp.sequence),
        }
        context = {**(context or {}), STAMP: stamp}
        try:
            return request(self, method, url, *arguments, headers=headers, context=context, **options)
        finally:
            stamp.received()

    return send


def row(request_type, name, response_time, response_length, response, exception, context) -> tuple:
    """The values of `analysis.stream.WRITTEN` for a request that Locust reports."""
    stamp = (context or {}).get(STAMP)
    if stamp is None:
        user = sequence = None
        measured, received_ns = True, time.monotonic_ns()
        scheduled_ns = sent_ns = received_ns - round((response_time or 0) * 1e6)
    else:
        stamp.received()
        user, sequence, measured = stamp.user, stamp.sequence, stamp.measured
        sent_ns, received_ns = stamp.sent_ns, stamp.received_ns
        scheduled_ns = stamp.scheduled_ns or sent_ns
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
def start_recording(environment, runner, **_):
    if type(runner).__name__ == "MasterRunner":
        return  # its workers send, and each records what it sends
    FastHttpSession.request = stamped(FastHttpSession.request, lambda stamp: stamp)
    HttpSession.request = stamped(HttpSession.request, str)  # which takes nothing but text for a header
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
            "most_in_flight": in_flight.most,
            "marks": [((at_ns - STARTED_NS) // 1000, integral // 1000) for at_ns, integral in in_flight.marks],
            **about,
        }
        (DIRECTORY / f"generator-{PROCESS}.json").write_text(json.dumps(told))

    environment.events.request.add_listener(record)
    environment.events.report_to_master.add_listener(count_reported)
    environment.events.quitting.add_listener(finish)
    gevent.spawn(keep_flushing)
