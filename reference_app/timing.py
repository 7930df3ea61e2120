"""Where a request's time goes: measured inside the application, told in the `Server-Timing` header.

The client sends `X-Request-Start: t=<nanoseconds>` from the monotonic clock, which processes of one host
share; `queue` runs from there to the entry into the application. `app` runs from entry to the response and is
split into parts that cannot overlap: time belongs to the innermost part that is open.
"""

import os
import time
from contextlib import nullcontext
from contextvars import ContextVar

from flask import Flask

from .settings import Settings

PARTS = ("pool", "db", "hash", "cache", "session")
REST = "rest"
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
        self._spent_ns = dict.fromkeys((*PARTS, REST), 0)
        self._open = [REST]

    def part(self, name: str) -> "Part":
        """Book the time in a `with` block on `name`, less what inner parts take."""
        return Part(self, name)

    def begin(self, name: str) -> None:
        self._book()
        self._open.append(name)

    def end(self) -> None:
        self._book()
        self._open.pop()

    def _book(self):
        now_ns = time.monotonic_ns()
        self._spent_ns[self._open[-1]] += now_ns - self._mark_ns
        self._mark_ns = now_ns

    def header(self) -> str:
        """The `Server-Timing` value: durations in milliseconds, to the microsecond."""
        self._book()
        entries = [] if self.queue_ns is None else [_entry("queue", self.queue_ns)]
        entries.append(_entry("app", self._mark_ns - self._entered_ns))
        details = {"db": self.db_calls, "cache": self.cache}
        entries += [_entry(name, self._spent_ns[name], details.get(name)) for name in PARTS]
        entries.append(f'trips;desc="{self.round_trips}"')
        return ", ".join([*entries, f'worker;desc="{os.environ.get("TRACETRACK_WORKER", 0)}"'])


def _entry(name, duration_ns, detail=None):
    return f"{name};dur={duration_ns / 1e6:.3f}" + ("" if detail is None else f';desc="{detail}"')


class Part:
    """A block whose time is booked; a class of its own because a generator would cost three times as much."""

    __slots__ = ("_name", "_timing")

    def __init__(self, timing: Timing, name: str):
        self._timing = timing
        self._name = name

    def __enter__(self):
        self._timing.begin(self._name)

    def __exit__(self, *exception):
        self._timing.end()


NOBODY = Timing(0, None)  # its counts are never read
UNTIMED = nullcontext()


def current() -> Timing:
    """The account of the request being served; outside of one, and with timing off, one that nobody reads."""
    return _current.get() or NOBODY


def part(name: str) -> Part | nullcontext:
    """Book the time in a `with` block of the request being served on `name`, one of `PARTS`."""
    timing = _current.get()
    return UNTIMED if timing is None else timing.part(name)


class TimedApplication:
    """WSGI middleware that opens an account for each request and answers with it."""

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        timing = Timing(time.monotonic_ns(), _sent_ns(environ.get("HTTP_X_REQUEST_START", "")))

        def timed_start_response(status, headers, exc_info=None):
            return start_response(status, [*headers, ("Server-Timing", timing.header())], exc_info)

        token = _current.set(timing)
        try:
            return self.application(environ, timed_start_response)
        finally:
            _current.reset(token)


def _sent_ns(header):
    digits = header.removeprefix("t=")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None


def init_app(app: Flask, settings: Settings) -> None:
    if settings.server_timing:
        app.wsgi_app = TimedApplication(app.wsgi_app)
