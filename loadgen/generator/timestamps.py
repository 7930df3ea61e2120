"""When each request was due, sent and answered: stamps of our own on what Locust's users send.

Locust's watch starts earlier or later by whatever its client does around the sending, by much where the generator has
to wait for its core. Ours is read where the request is put into words, just before it goes out, and when the whole
answer is there.
"""

import itertools
import time
from contextvars import ContextVar
from functools import wraps
from urllib.parse import urlsplit

from geventhttpclient.client import HTTPClient
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession

from workbench.request_schema import request_name

from ..addresses import is_here
from .config import PROCESS, PROCESSES
from .in_flight import InFlight

KEY = "tracetrack_stamp"  # under which a stamp is in the context that Locust hands on

in_flight = InFlight()
_sending: ContextVar["Stamp | None"] = ContextVar("sending", default=None)
acting: ContextVar["Person | None"] = ContextVar("acting", default=None)  # whose task it is, where a scenario says so


class Person:
    """Who a user is in the rows, and when their next request is due."""

    __slots__ = ("called", "measured", "number", "scheduled_ns", "sequence")
    numbers = itertools.count(PROCESS, PROCESSES)
    measured_at_first = True

    def __init__(self, number: int | None):
        self.number = number
        self.sequence = 0
        self.called = False  # to a task that has not begun yet
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
        user.recorded_as = Person(next(Person.numbers))
        return user.recorded_as


class Stamp:
    """The times of one request; a class, because Locust hands on a copy of the context but the same objects in it."""

    __slots__ = ("measured", "received_ns", "scheduled_ns", "sent_ns", "sequence", "user")

    def __init__(self, who: Person):
        who.sequence += 1
        self.user, self.sequence, self.measured = who.number, who.sequence, who.measured
        self.scheduled_ns, who.scheduled_ns = who.scheduled_ns, None
        self.sent_ns = self.received_ns = 0

    @classmethod
    def afterwards(cls, response_time_ms: float) -> "Stamp":
        """Of a request that has just ended and was not stamped, by the time that its client says it took."""
        stamp = cls(acting.get() or Person(None))
        if stamp.user is None:
            stamp.sequence = None
        stamp.received_ns = time.monotonic_ns()
        stamp.sent_ns = stamp.received_ns - round(1e6 * response_time_ms)
        in_flight.miss()
        return stamp

    def send(self) -> int:
        """Now, as the time of sending. The first call counts: a redirect is part of its request."""
        if self.sent_ns:
            return time.monotonic_ns()
        self.sent_ns = in_flight.enter()
        return self.sent_ns

    def receive(self) -> None:
        """The answer is there, or will not come. The first call counts."""
        if not self.received_ns:
            if not self.sent_ns:
                self.send()  # what was never sent took no time
            self.received_ns = in_flight.leave()


def install() -> None:
    """Stamp what Locust's HTTP users of this process send from now on."""
    FastHttpSession.request = _stamped(FastHttpSession.request)
    HTTPClient._build_request = _with_headers(HTTPClient._build_request)
    HttpSession.request = _stamped(_with_header_arguments(HttpSession.request))


def _stamped(request):
    """The `request` of a Locust session, with a stamp in its context."""

    @wraps(request)
    def send(self, *arguments, context=None, **options):
        stamp = Stamp(person(self.user or self))
        _sending.set(stamp)
        try:
            return request(self, *arguments, context={**context, KEY: stamp} if context else {KEY: stamp}, **options)
        finally:
            if not stamp.received_ns:
                stamp.receive()

    return send


def _with_headers(build):
    """The text of a request with our headers at its end: through Locust's layers they would cost ten times as much."""

    @wraps(build)
    def built(self, *arguments, **options):
        text = build(self, *arguments, **options)
        stamp = _sending.get()
        if stamp is None or stamp.received_ns:
            return text
        name = "" if "X-Request-ID" in text else f"X-Request-ID: {request_name(stamp.user, stamp.sequence)}\r\n"
        sent_ns = stamp.send()
        if not is_here(self.host):
            return f"{text[:-2]}{name}\r\n"  # another machine's clock has nothing to do with ours
        return f"{text[:-2]}{name}X-Request-Start: t={sent_ns}\r\n\r\n"

    return built


def _with_header_arguments(request):
    """The same for the users of requests, which builds its text out of our sight."""

    @wraps(request)
    def send(self, method, url, *arguments, headers=None, **options):
        stamp = _sending.get()
        given = {"X-Request-ID": request_name(stamp.user, stamp.sequence), **(headers or {})}
        here, sent_ns = is_here(urlsplit(self._build_url(url)).hostname or ""), stamp.send()
        if here:
            given["X-Request-Start"] = f"t={sent_ns}"
        return request(self, method, url, *arguments, headers=given, **options)

    return send
