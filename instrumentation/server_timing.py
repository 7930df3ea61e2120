"""Where a request's time goes: measured inside the application, sent in the `Server-Timing` header.

The client sends `X-Request-Start: t=<nanoseconds>` from the monotonic clock, which the processes of one host share;
`queue` runs from there to the entry into the application. `app` runs from the entry to the response and contains
parts that cannot overlap: time belongs to the innermost open part. In a greenlet of gevent what a wait in any part is
longer by because the loop is busy is a part of its own, `loop` (see `loop_wait`).

Times show an attacker what a request did, and how long a hash took. So only a request that carries the token of the run
in `X-Run-Token` is timed; the application and the load generator get the token in their environments.
"""

import hmac
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app, has_app_context

from . import loop_wait
from .trace_id import HEADER_VARIABLE, trace_id_of
from .worker_metrics import Slot

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOOP = "loop"
PARTS = ("pool", "db", "hash", "cache", "session", LOOP)  # of a request's time; what is in none of them is the rest
REST = "rest"
OF_OTHERS = ("pool", "cache")  # parts that wait for what another request of the worker has to do first
MAX_QUEUE_NS = 3600 * 10**9
MAX_CONNECTION = 9_999  # numbers of a header have four digits
RUN_TOKEN_VARIABLE = "HTTP_X_RUN_TOKEN"

_UNSPENT_MS = dict.fromkeys((*PARTS, REST), 0.0)
_DESCRIPTIONS = {"db": ';desc="%(db_calls)d"', "cache": ';desc="%(cache_outcome)s"'}
# Formatted at once, because every request pays for it.
_HEADER = ", ".join(
    (
        "app;dur=%(app).3f",
        *(f"{part};dur=%({part}).3f{_DESCRIPTIONS.get(part, '')}" for part in PARTS if part != LOOP),
        'trips;desc="%(round_trips)d"',
        'worker;desc="%(worker)d"',
    )
)

_current: ContextVar["Timing | None"] = ContextVar("timing", default=None)


class Timing:
    """The times of one request, from the monotonic clock, and what it did.

    `app_us` is the time in the application, known with the header. `db_calls` are statements, `failed_calls` those of
    them that ended with an error, `round_trips` waits for an answer of the database, `connection` is the number of
    the first database connection that it used, `cache_outcome` is hit, miss, stale or none, `trace_id` that of the
    caller's trace, None without one. `knows_loop` is False where it may wait for a loop that is not watched: the header
    then has no `loop`, which is in the other parts.
    """

    def __init__(self, entered_ns: int, sent_ns: int | None, *, knows_loop: bool = True):
        queue_ns = None if sent_ns is None else entered_ns - sent_ns
        # A clock of another host would give nonsense: better no value than a wrong one.
        self.queue_ns = queue_ns if queue_ns is not None and 0 <= queue_ns <= MAX_QUEUE_NS else None
        self.app_us = 0
        self.db_calls = self.failed_calls = 0
        self.round_trips = 0
        self.cache_outcome = "none"
        self.connection: int | None = None
        self.trace_id: str | None = None
        self._entered_ns = self._switched_ns = entered_ns
        self._spent_ms = _UNSPENT_MS.copy()
        self._open = REST
        self._loop_ns = 0  # since the last switch
        self._knows_loop = knows_loop

    def use_connection(self, number: int) -> None:
        """Note the number of a database connection that the request uses; the first one is reported.

        Connections are counted in their worker from 1. One above `MAX_CONNECTION` is not reported.
        """
        if self.connection is None and number <= MAX_CONNECTION:
            self.connection = number

    def switch_to(self, part: str) -> str:
        """Book the time until now on the open part and open `part`; the name of the part that was open."""
        now_ns = time.monotonic_ns()
        outer = self._open
        spent_ns = now_ns - self._switched_ns
        if self._loop_ns:
            # More than the time itself only where greenlets that the request started wait as well.
            loop_ns = min(self._loop_ns, spent_ns)
            self._spent_ms[LOOP] += loop_ns / 1e6
            spent_ns -= loop_ns
            self._loop_ns = 0
        self._spent_ms[outer] += spent_ns / 1e6
        self._switched_ns = now_ns
        self._open = part
        return outer

    def wait_for_loop(self, waited_ns: int, stalled_ns: int) -> None:
        """Book s, or s', of the wait that just ended on `loop` instead of the open part; see `loop_wait`."""
        self._loop_ns += max(waited_ns, stalled_ns) if self._open in OF_OTHERS else waited_ns

    def parts_us(self) -> tuple[int, int, int]:
        """The times in the queue, for the pool and in the database until the header; -1 for an unknown queue."""
        queue_us = -1 if self.queue_ns is None else self.queue_ns // 1000
        return queue_us, round(1000 * self._spent_ms["pool"]), round(1000 * self._spent_ms["db"])

    def header(self, worker: int) -> str:
        """The `Server-Timing` value: durations in milliseconds, to the microsecond, and the worker's number."""
        self.switch_to(self._open)
        self.app_us = (self._switched_ns - self._entered_ns + 500) // 1000
        queue = "" if self.queue_ns is None else f"queue;dur={self.queue_ns / 1e6:.3f}, "
        loop = f", loop;dur={self._spent_ms[LOOP]:.3f}" if self._knows_loop else ""
        connection = "" if self.connection is None else f', connection;desc="{self.connection}"'
        timed = _HEADER % {
            **self._spent_ms,
            "app": self.app_us / 1000,
            "db_calls": self.db_calls,
            "cache_outcome": self.cache_outcome,
            "round_trips": self.round_trips,
            "worker": worker,
        }
        trace = "" if self.trace_id is None else f', trace;desc="{self.trace_id}"'
        return f"{queue}{timed}{loop}{connection}{trace}"

    def count_in(self, slot: Slot, is_error: bool) -> None:
        """Count the response in its worker's metrics, with the values of the header: the two are compared later."""
        slot.count_response(self.app_us, is_error, self.db_calls, self.failed_calls)


class Part:
    """A context manager that books the time of its block on `name`, less the time of inner parts.

    A class of its own because a generator would cost three times as much.
    """

    __slots__ = ("_name", "_outer", "_timing")

    def __init__(self, timing: Timing, name: str):
        self._timing = timing
        self._name = name

    def __enter__(self) -> None:
        self._outer = self._timing.switch_to(self._name)

    def __exit__(self, *exception: object) -> None:
        self._timing.switch_to(self._outer)


_DISCARDED = Timing(0, None)  # its counts are never read
_UNTIMED = nullcontext()


def current() -> Timing:
    """The timing of the request being served; outside of one, and with timing off, one that is never read."""
    return _current.get() or _DISCARDED


def current_or_none() -> Timing | None:
    """The timing of the request being served, if it is timed."""
    return _current.get()


def part(name: str) -> Part | nullcontext[None]:
    """Book the time of a `with` block, in the request being served, on `name`, one of `PARTS`."""
    timing = _current.get()
    return _UNTIMED if timing is None else Part(timing, name)


class TimedApplication:
    """WSGI middleware that times requests and adds `Server-Timing` to their responses.

    It does so for requests with the token; for every request if `run_token` is None.

    `worker_number` is first called in a request, because the application may be created before its worker is forked.
    """

    def __init__(self, application: "WSGIApplication", worker_number: Callable[[], int], run_token: str | None):
        require_token(run_token)
        self.application = application
        self._worker_number = worker_number
        self._run_token = None if run_token is None else run_token.encode()

    @cached_property
    def worker(self) -> int:
        """The number of the worker that serves."""
        return self._worker_number()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if not is_of_run(environ.get(RUN_TOKEN_VARIABLE, "").encode("latin-1", "replace"), self._run_token):
            return self.application(environ, start_response)
        entered_ns, knows_loop = time.monotonic_ns(), loop_wait.watch(_current.get)
        timing = Timing(entered_ns, sent_ns(environ.get("HTTP_X_REQUEST_START", "")), knows_loop=knows_loop)
        timing.trace_id = trace_id_of(environ.get(HEADER_VARIABLE))

        def timed_start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            header = timing.header(self.worker)
            _count_response(timing, status)
            return start_response(status, [*headers, ("Server-Timing", header)], exc_info)

        with timed_by(timing):
            return self.application(environ, timed_start_response)


@contextmanager
def timed_by(timing: Timing | None) -> Iterator[None]:
    """Let `timing` be that of the request that is served in the block; None for one that is not timed."""
    token = _current.set(timing)
    try:
        yield
    finally:
        _current.reset(token)


def require_token(run_token: str | None) -> None:
    """Raise `ValueError` for an empty token."""
    if run_token == "":
        raise ValueError("an empty run token would be everybody's; without a token leave the timing out")


def is_of_run(given: bytes, run_token: bytes | None) -> bool:
    """True for the run's token, and for all where that is None.

    The comparison takes the same time for any other token of its length.
    """
    return run_token is None or hmac.compare_digest(given, run_token)


def _count_response(timing: Timing, status: str) -> None:
    slot = current_app.extensions.get("worker_slot") if has_app_context() else None
    if slot is not None:
        timing.count_in(slot, is_error=status[:1] in "45")


def sent_ns(header: str) -> int | None:
    """The client's clock from `X-Request-Start`; None where it is absent or no such number."""
    digits = header.removeprefix("t=")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None


def init_app(app: Flask, worker_number: Callable[[], int], run_token: str | None) -> None:
    """Time the application's requests that carry the token, or all of them for None, and send `Server-Timing`."""
    # Flask documents this assignment for middleware, but declares wsgi_app as a method.
    app.wsgi_app = TimedApplication(app.wsgi_app, worker_number, run_token)  # type: ignore[method-assign]
