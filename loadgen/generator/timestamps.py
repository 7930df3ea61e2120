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
from urllib.parse import urlsplit

import gevent
from geventhttpclient.client import HTTPClient
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession

from workbench.request_schema import request_name

from ..addresses import is_local_host
from . import run_token, virtual_user
from .in_flight import InFlight
from .virtual_user import VirtualUser, virtual_user_of

KEY = "tracetrack_timestamps"  # of the timestamps, in the context that Locust hands to its listeners

in_flight = InFlight()
_current: ContextVar["Timestamps"] = ContextVar("timestamps")  # of the request that is being sent


class Timestamps:
    """Identity, phase and times (monotonic ns) of one request; times are 0 until they are known.

    `scheduled_ns` and `user_wait_ns` may be None. A class, because Locust hands on a copy of the context but the same
    objects in it.
    """

    __slots__ = ("phase", "received_ns", "scheduled_ns", "sent_ns", "sequence", "user", "user_wait_ns")

    def __init__(self, sender: VirtualUser, began_ns: int | None = None):
        """Of a request of `sender` that is about to be sent, or began at `began_ns`."""
        sender.sequence += 1
        self.user, self.sequence = sender.number, sender.sequence
        self.scheduled_ns: int | None = None
        self.user_wait_ns: int | None = None
        in_background = gevent.getcurrent() is not sender.greenlet
        at_ns = began_ns or time.monotonic_ns()
        due_ns = None
        if sender.stage == virtual_user.TASK and not (in_background and began_ns):
            self.scheduled_ns, self.user_wait_ns = sender.take_schedule(at_ns)
            due_ns = sender.arrival_ns or self.scheduled_ns
        if not in_background and at_ns < sender.task_started_ns:  # a value that a client reports, but no duration
            at_ns = self.scheduled_ns = sender.task_started_ns
        self.phase = sender.phase_at(due_ns or at_ns, in_background=in_background)
        self.sent_ns = self.received_ns = 0

    @classmethod
    def estimated(cls, response_time_ms: Any) -> "Timestamps":
        """Of a request that has just ended and has no timestamps, from the time that its client reports.

        A client may report anything; what is no time that can have passed counts as none.
        """
        received_ns = time.monotonic_ns()
        is_time = isinstance(response_time_ms, int | float) and 0 <= response_time_ms < received_ns / 1e6
        sent_ns = received_ns - (round(1e6 * response_time_ms) if is_time else 0)
        sender = virtual_user.current_user()
        times = cls(sender or VirtualUser(0), sent_ns)
        if sender is None:
            times.user = times.sequence = None  # type: ignore[assignment]  # null in the row
        times.sent_ns, times.received_ns = sent_ns, received_ns
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
        sender = _sender(self)
        times = Timestamps(sender)
        _current.set(times)
        sender.under_way += 1
        try:
            return request(self, *arguments, context={**context, KEY: times} if context else {KEY: times}, **options)
        finally:
            sender.under_way -= 1
            if not times.received_ns:
                times.mark_received()

    return send


def _with_headers(build: Callable[..., str]) -> Callable[..., str]:
    """The text of a request with our headers at its end: through Locust's layers they would cost ten times as much."""

    @wraps(build)
    def build_with_headers(self: Any, *arguments: Any, **options: Any) -> str:
        text = build(self, *arguments, **options)
        times = _current.get(None)
        if times is None or times.received_ns:
            return text
        name = "" if "X-Request-ID" in text else f"X-Request-ID: {request_name(times.user, times.sequence)}\r\n"
        token = run_token.header_line(self.host)
        sent_ns = times.mark_sent()
        if not is_local_host(self.host):
            return f"{text[:-2]}{name}{token}\r\n"  # the clock of another machine is unrelated to ours
        return f"{text[:-2]}{name}{token}X-Request-Start: t={sent_ns}\r\n\r\n"

    return build_with_headers


def _with_header_arguments(request: Callable[..., Any]) -> Callable[..., Any]:
    """The same for the sessions of requests, which builds the text of a request where we cannot reach it."""

    @wraps(request)
    def send(self: Any, method: str, url: str, *arguments: Any, headers: dict | None = None, **options: Any) -> Any:
        times = _current.get()
        added = {"X-Request-ID": request_name(times.user, times.sequence), **(headers or {})}
        host = urlsplit(self._build_url(url)).hostname or ""
        added |= run_token.header(host)
        sent_ns = times.mark_sent()
        if is_local_host(host):
            added["X-Request-Start"] = f"t={sent_ns}"
        return request(self, method, url, *arguments, headers=added, **options)

    return send
