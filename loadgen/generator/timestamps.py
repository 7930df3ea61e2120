"""Timestamps of each request of Locust's users: due, sent and answered.

Locust's own timer starts earlier or later by what its client does around the send, by much where the generator has to
wait for its core. These clocks are read where a request is put into bytes, just before it goes out, and when the whole
response has arrived.
"""

import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import gevent
from geventhttpclient.client import HTTPClient
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession
from locust.exception import CatchResponseError

from workbench.request_schema import MEASURE, request_name

from ..addresses import is_local_host
from . import run_token, trace_header, virtual_user
from .config import IS_REMOTE
from .in_flight import InFlight
from .request_heads import RequestHeads
from .virtual_user import VirtualUser, virtual_user_of

MAX_REPORTED_MS = 30 * 86_400 * 1000  # 30 days, the largest latency of a row
UNANSWERED = "no answer long after the end of the load"
KEY = "tracetrack_timestamps"  # of the timestamps, in the context that Locust hands to its listeners

in_flight = InFlight()
_current: ContextVar["Timestamps"] = ContextVar("timestamps")  # of the request that is being sent


class Timestamps:
    """Identity, phase and times (monotonic ns) of one request; times are 0 until they are known.

    `scheduled_ns` and `user_wait_ns` may be None. Without `has_latency` the client `reported` something else in the
    place of a time. A class, because Locust hands on a copy of the context but the same objects in it.
    """

    __slots__ = (
        "has_latency",
        "phase",
        "received_ns",
        "reported",
        "scheduled_ns",
        "sent_ns",
        "sequence",
        "user",
        "user_wait_ns",
    )

    def __init__(self, sender: VirtualUser, began_ns: int | None = None):
        """Of a request of `sender` that is about to be sent, or began at `began_ns`."""
        self.user = sender.number
        sender.sequence = self.sequence = sender.sequence + 1
        self.phase = MEASURE
        self.scheduled_ns: int | None = None
        self.user_wait_ns: int | None = None
        self.sent_ns = self.received_ns = 0
        self.has_latency, self.reported = True, None
        if sender.is_paced:
            self._take_schedule(sender, began_ns)

    def _take_schedule(self, sender: VirtualUser, began_ns: int | None) -> None:
        """Take the intended send and the phase from the scenario that paces the sender."""
        in_background = gevent.getcurrent() is not sender.greenlet
        at_ns = began_ns or time.monotonic_ns()
        due_ns = None
        if sender.stage == virtual_user.TASK and not (in_background and began_ns):
            self.scheduled_ns, self.user_wait_ns = sender.take_schedule(at_ns)
            due_ns = sender.arrival_ns or self.scheduled_ns
        if not in_background and at_ns < sender.task_started_ns:  # a value that a client reports, but no duration
            at_ns = self.scheduled_ns = sender.task_started_ns
        self.phase = sender.phase_at(due_ns or at_ns, in_background=in_background)

    @classmethod
    def estimated(cls, response_time_ms: Any) -> "Timestamps":
        """Of a request that has just ended and has no timestamps, from the time that its client reports.

        A client may report anything: what is no time has no latency.
        """
        received_ns = time.monotonic_ns()
        is_time = isinstance(response_time_ms, int | float) and 0 <= response_time_ms <= MAX_REPORTED_MS
        sent_ns = received_ns - (round(1e6 * response_time_ms) if is_time else 0)
        sender = virtual_user.current_user()
        times = cls(sender or VirtualUser(0), sent_ns)
        if sender is None:
            times.user = times.sequence = None  # type: ignore[assignment]  # null in the row
        times.sent_ns, times.received_ns = sent_ns, received_ns
        times.has_latency, times.reported = is_time, response_time_ms
        in_flight.miss()
        return times

    def mark_sent(self) -> int:
        """Take the time of the send, and return the time now.

        The first call counts: a redirect is part of its request.
        """
        if self.sent_ns:
            return time.monotonic_ns()
        self.sent_ns = in_flight.enter()
        return self.sent_ns

    def mark_received(self) -> None:
        """Take the time at which the response is complete, or certain not to come. The first call counts."""
        if not self.received_ns:
            if not self.sent_ns:
                self.mark_sent()  # a request that was never sent took no time
            self.received_ns = in_flight.leave()


def install() -> None:
    """Take the timestamps of all requests that Locust's HTTP users of this process send from now on."""
    virtual_user.install()
    # Neither client has a hook between the last of its own work and the send.
    FastHttpSession.request = _with_timestamps(FastHttpSession.request)  # type: ignore[method-assign]
    HTTPClient._build_request = _with_headers(HTTPClient._build_request)  # type: ignore[method-assign]
    HttpSession.request = _with_timestamps(_with_header_arguments(HttpSession.request))  # type: ignore[method-assign]


def _sender(session: Any) -> VirtualUser:
    """The user of a session, or of the greenlet that uses it; a session outside of any user counts as one."""
    if session.user:
        return virtual_user_of(session.user)
    return virtual_user.current_user() or virtual_user_of(session)


def _with_timestamps(request: Callable[..., Any]) -> Callable[..., Any]:
    """The `request` of a Locust session, with timestamps in its context."""

    @wraps(request)
    def send(self: Any, *arguments: Any, context: dict | None = None, **options: Any) -> Any:
        try:
            sender = self.user._tracetrack_state  # the quick way of `_sender`, for all but the first request
        except AttributeError:
            sender = _sender(self)
        times = Timestamps(sender)
        _current.set(times)
        sender.under_way += 1
        try:
            response = request(
                self, *arguments, context={**context, KEY: times} if context else {KEY: times}, **options
            )
            if getattr(response, "error", None) is not None:
                _forget_frames(response)
            return response
        except gevent.GreenletExit:
            if sender.is_cut_off:
                _report_unanswered(self, times, *arguments, **options)
            raise
        finally:
            sender.under_way -= 1
            if not times.received_ns:
                times.mark_received()

    return send


def _forget_frames(response: Any) -> None:
    """Drop the tracebacks of a failed request's errors.

    Their frames refer to the response, which refers to the error: such cycles of thousands of failures are garbage, and
    a collection of it holds up all requests for 0.2 s.
    """
    error, seen = getattr(response, "error", None), set()
    while isinstance(error, BaseException) and id(error) not in seen:
        seen.add(id(error))
        error.__traceback__ = None
        error = getattr(error, "original", None) or error.__context__  # the former is FastHttpUser's


def _report_unanswered(
    session: Any, times: Timestamps, method: str, url: str, *_: Any, name: str | None = None, **__: Any
) -> None:
    """Let Locust and the rows have a request that is given up, as a failure."""
    times.mark_received()
    session.user.environment.events.request.fire(
        request_type=method,
        name=name or urlunsplit(urlsplit(url)._replace(scheme="", netloc="")) or "/",
        response_time=(times.received_ns - times.sent_ns) / 1e6,
        response_length=0,
        exception=CatchResponseError(UNANSWERED),
        context={KEY: times},
    )


def _shares_clock(host: str) -> bool:
    """Whether a host's clock is known to be ours; one of a load over hosts may have a clock of its own anywhere."""
    return not IS_REMOTE and is_local_host(host)


def _with_headers(build: Callable[..., str]) -> Callable[..., str]:
    """The text of a request with our headers at its end: through Locust's layers they would cost ten times as much."""
    heads = RequestHeads(build)

    @wraps(build)
    def build_with_headers(
        self: Any,
        method: str,
        request_uri: str,
        body: Any = b"",
        headers: Any = None,
        chunked: bool | None = None,
    ) -> str:
        times = _current.get(None)
        if times is None or times.received_ns:
            return build(self, method, request_uri, body, headers, chunked)
        head = heads.head(self, method, request_uri, body, headers, chunked)
        name = "" if "X-Request-ID" in head else f"X-Request-ID: {request_name(times.user, times.sequence)}\r\n"
        added = name + trace_header.header_line(times.user, times.sequence, head) + run_token.header_line(self.host)
        sent_ns = times.mark_sent()
        if not _shares_clock(self.host):
            return f"{head}{added}\r\n"
        return f"{head}{added}X-Request-Start: t={sent_ns}\r\n\r\n"

    return build_with_headers


def _with_header_arguments(request: Callable[..., Any]) -> Callable[..., Any]:
    """The same for the sessions of requests, which builds the text of a request where we cannot reach it."""

    @wraps(request)
    def send(self: Any, method: str, url: str, *arguments: Any, headers: dict | None = None, **options: Any) -> Any:
        times = _current.get()
        identity = times.user, times.sequence
        added = {"X-Request-ID": request_name(*identity), **trace_header.header(*identity), **(headers or {})}
        host = urlsplit(self._build_url(url)).hostname or ""
        added |= run_token.header(host)
        sent_ns = times.mark_sent()
        if _shares_clock(host):
            added["X-Request-Start"] = f"t={sent_ns}"
        return request(self, method, url, *arguments, headers=added, **options)

    return send
