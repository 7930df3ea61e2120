"""The clients of a chaos test: each has one cookie, and everything that they sent and received is in a ledger."""

import http.client
import json
import threading
import time
import urllib.parse
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

from loadgen.accounts import PASSWORD, username
from loadgen.search_terms import child_qr_id
from tests.resilience.chaos_steps import TERMS, Dashboard, Ended, Login, Logout, Request, Scan, Search

ANSWER_TIMEOUT_S = 4.0  # no request may take longer, whatever happens: ten seconds with the timeouts of `tuned`
COOKIE = "session"
NO_ANSWER = 0  # as a status


@dataclass(frozen=True)
class Exchange:
    """A request as it was sent and what came of it; times are seconds since the epoch, `key` the scan's whole key."""

    request: Request
    cookie: str
    sent_s: float
    received_s: float
    status: int
    retry_after: str | None
    new_cookie: str | None  # "" deletes it
    text: str
    key: str = ""

    @property
    def is_too_slow(self) -> bool:
        """Whether the client gave up waiting."""
        return self.status == NO_ANSWER and self.text.startswith(TimeoutError.__name__)

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.text)

    def __str__(self) -> str:
        took_s = self.received_s - self.sent_s
        return f"{self.request} → {self.status or 'no answer'} after {took_s:.2f} s: {self.text[:120]!r}"


@dataclass(frozen=True)
class Call:
    """A request as HTTP."""

    method: str
    path: str
    content: str | None
    headers: dict[str, str]


def call_of(request: Request, key: str) -> Call:
    """The HTTP of a request; `key` is that of a scan."""
    match request:
        case Login(_, user):
            form = urllib.parse.urlencode({"username": username(user, 100), "password": PASSWORD})
            return Call("POST", "/login", form, {"Content-Type": "application/x-www-form-urlencoded"})
        case Logout():
            return Call("POST", "/logout", "", {})
        case Dashboard() | Ended():
            return Call("GET", "/api/dashboard/stats", None, {})
        case Search(_, term):
            return Call("GET", f"/api/bags/search?q={TERMS[term]}", None, {})
        case Scan(_, _, bag):
            headers = {"Content-Type": "application/json", "Idempotency-Key": key}
            return Call("POST", "/api/scans", json.dumps({"qr_id": qr_id(bag)}), headers)


def qr_id(bag: int) -> str:
    """The id of a scanned bag."""
    return child_qr_id(1 + bag)


class Client:
    """One client. Its requests may overlap, as those of a browser do: each has the cookie of when it was sent."""

    def __init__(self, address: str, ledger: list[Exchange]):
        self._address = address
        self._ledger = ledger
        self._lock = threading.Lock()
        self.cookie = self.ended_cookie = ""

    def send(self, request: Request, prefix: str = "") -> Exchange:
        """Send a request over a connection of its own; a scan's key is its number behind `prefix`."""
        key = f"{prefix}{request.key}" if isinstance(request, Scan) else ""
        with self._lock:
            cookie = self.ended_cookie if isinstance(request, Ended) else self.cookie
        sent_s = time.time()
        status, headers, text = self._exchange(call_of(request, key), cookie)
        received_s = time.time()
        new_cookie = _cookie(headers)
        exchange = Exchange(
            request, cookie, sent_s, received_s, status, headers.get("Retry-After"), new_cookie, text, key
        )
        with self._lock:
            if new_cookie is not None and not isinstance(request, Ended):
                self.ended_cookie, self.cookie = self.cookie or self.ended_cookie, new_cookie
            self._ledger.append(exchange)
        return exchange

    def _exchange(self, call: Call, cookie: str) -> tuple[int, Any, str]:
        connection = http.client.HTTPConnection(self._address, timeout=ANSWER_TIMEOUT_S)
        try:
            headers = call.headers | ({"Cookie": f"{COOKIE}={cookie}"} if cookie else {})
            connection.request(call.method, call.path, call.content, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            return NO_ANSWER, {}, f"{type(error).__name__}: {error}"
        finally:
            connection.close()


def _cookie(headers: Any) -> str | None:
    """The session cookie that a response sets; None if it sets none."""
    header = headers.get("Set-Cookie")
    return SimpleCookie(header)[COOKIE].value if header else None
