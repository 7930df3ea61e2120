"""Where a request's time goes: measured inside the application, told in the `Server-Timing` header.

The client sends `X-Request-Start: t=<nanoseconds>` from the monotonic clock, which processes of one host
share; `queue` runs from there to the entry into the application. `app` runs from entry to the response and is
split into parts that cannot overlap: time belongs to the innermost part that is open.
"""

import os
import time
from contextlib import nullcontext
from contextvars import ContextVar
from functools import cached_property

from flask import Flask

PARTS = ("pool", "db", "hash", "cache", "session")
REST = "rest"
NOTHING = dict.fromkeys((*PARTS, REST), 0)
# All at once, as every request pays for it.
HEADER = (
    'app;dur=%.3f, pool;dur=%.3f, db;dur=%.3f;desc="%d", hash;dur=%.3f, cache;dur=%.3f;desc="%s", session;dur=%.3f, '
    'trips;desc="%d", worker;desc="%s"'
)
LONGEST_QUEUE_NS = 3600 * 10**9

_current: ContextVar["Timing | None"] = ContextVar("timing", default=None)


class Timing:
    """The account of one request, in nanoseconds."""

    def __init__(self, entered_ns: int, sent_ns: int | None):
        waited_ns = None if sent_ns is None else entered_ns - sent_ns
        # A clock of another host would give nonsense: better no figure than a wrong one.
        self.queue_ns = waited_ns if waited_ns is not None and 0 <= waited_ns <= LONGEST_QUEUE_NS else None
        self.db_calls = 0
        self.round_trips = 0
        self.cache = "none"
        self._entered_ns = self._mark_ns = entered_ns
        self._spent_ns = NOTHING.copy()
        self._open = REST

    def book_on(self, name: str) -> str:
        """Book what follows on `name`; the name on which it was booked until now."""
        now_ns = time.monotonic_ns()
        before = self._open
        self._spent_ns[before] += now_ns - self._mark_ns
        self._mark_ns = now_ns
        self._open = name
        return before

    def header(self, worker: str) -> str:
        """The `Server-Timing` value: durations in milliseconds, to the microsecond, and the worker's number."""
        self.book_on(self._open)
        app_ns, spent_ns = self._mark_ns - self._entered_ns, self._spent_ns
        queue = "" if self.queue_ns is None else f"queue;dur={self.queue_ns / 1e6:.3f}, "
        return queue + HEADER % (
            app_ns / 1e6,
            spent_ns["pool"] / 1e6,
            spent_ns["db"] / 1e6,
            self.db_calls,
            spent_ns["hash"] / 1e6,
            spent_ns["cache"] / 1e6,
            self.cache,
            spent_ns["session"] / 1e6,
            self.round_trips,
            worker,
        )


class Part:
    """A block whose time is booked on `name`, less what inner parts take.

    A class of its own because a generator would cost three times as much.
    """

    __slots__ = ("_name", "_outer", "_timing")

    def __init__(self, timing: Timing, name: str):
        self._timing = timing
        self._name = name

    def __enter__(self):
        self._outer = self._timing.book_on(self._name)

    def __exit__(self, kind, error, traceback):
        self._timing.book_on(self._outer)


NOBODY = Timing(0, None)  # its counts are never read
UNTIMED = nullcontext()


def current() -> Timing:
    """The account of the request being served; outside of one, and with timing off, one that nobody reads."""
    return _current.get() or NOBODY


def part(name: str) -> Part | nullcontext:
    """Book the time in a `with` block of the request being served on `name`, one of `PARTS`."""
    timing = _current.get()
    return UNTIMED if timing is None else Part(timing, name)


class TimedApplication:
    """WSGI middleware that opens an account for each request and answers with it."""

    def __init__(self, application):
        self.application = application

    @cached_property
    def worker(self) -> str:
        """The worker's number; the application may be made before there are workers, but is asked nothing then."""
        return os.environ.get("TRACETRACK_WORKER", "0")

    def __call__(self, environ, start_response):
        timing = Timing(time.monotonic_ns(), _sent_ns(environ.get("HTTP_X_REQUEST_START", "")))

        def timed_start_response(status, headers, exc_info=None):
            return start_response(status, [*headers, ("Server-Timing", timing.header(self.worker))], exc_info)

        token = _current.set(timing)
        try:
            return self.application(environ, timed_start_response)
        finally:
            _current.reset(token)


def _sent_ns(header):
    digits = header.removeprefix("t=")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None


def init_app(app: Flask) -> None:
    """Time every request of the application, and answer each with its `Server-Timing`."""
    app.wsgi_app = TimedApplication(app.wsgi_app)
