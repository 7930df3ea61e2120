"""The ASGI application of the monitor.

| path | answer |
| --- | --- |
| `/metrics` | for Prometheus on this machine, without a login |
| `/monitor?token=…` | a cookie for a token of the application, and a redirect to the page |
| `/monitor` | the page |
| `/monitor/events` | its server-sent events: a snapshot a second |
| `/monitor/<file>` | its script and its style |
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .access import COOKIE_S, Access
from .openmetrics import render
from .problems import ProblemLog
from .readings import INTERVAL_S, SNAPSHOT_S, Readings
from .session_count import SessionCounter, shown
from .snapshot import snapshot
from .time_series import TimeSeries
from .viewers import Viewers

Message = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = tuple[tuple[str, str], ...]

HEADERS: Headers = (
    (
        "Content-Security-Policy",
        "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "connect-src 'self'",
                "img-src data:",  # the icon, which is empty: else a browser asks for one
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
            )
        ),
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
PAGE = Path(__file__).with_name("page")
FILES = {"monitor.js": "text/javascript", "tables.js": "text/javascript", "monitor.css": "text/css"}
TEXT, HTML = "text/plain; charset=utf-8", "text/html; charset=utf-8"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
MIN_SCRAPE_S = 0.1  # a client that scrapes more often gets the same metrics
SEND_TIMEOUT_S = 10.0  # for a page that no longer reads
RETRY_AFTER = ("Retry-After", "10")


class MonitorApp:
    """Serves the readings of one application's workers."""

    def __init__(
        self, readings: Readings, access: Access, sessions: SessionCounter, prefix: str = "", public_url: str = ""
    ):
        """`prefix` begins the metrics of the application's counters; `public_url` is where browsers find the monitor.

        Without `public_url` they find it on this machine.
        """
        self._readings = readings
        self._access = access
        self._sessions = sessions
        self._problems, self._series = ProblemLog(), TimeSeries()
        self._prefix = prefix
        parts = urlsplit(public_url)
        self._hosts = {*LOOPBACK, *([_without_port(parts.netloc)] if parts.netloc else [])}
        self._secure = "; Secure" if parts.scheme == "https" else ""
        self._scraped: dict[str, tuple[float, tuple[bytes, str]]] = {}
        self.viewers = Viewers()

    async def publish_snapshots(self) -> None:
        """Read the workers, and give all pages a snapshot a second; without pages only the course of time is kept."""
        steps = round(SNAPSHOT_S / INTERVAL_S)
        while not self.viewers.closed:
            for _ in range(steps):
                await asyncio.sleep(INTERVAL_S)
                self._readings.read_pools()
            self._publish_snapshot()

    def _publish_snapshot(self) -> None:
        oldest, before, now, peak = self._readings.advance()
        sessions = self._sessions.newest
        self._problems.watch(before, now, peak, sessions)
        self._series.take(now, peak)
        if self.viewers.number:
            content = snapshot(oldest, before, now, peak)
            content |= {"watched_since_s": self._problems.started_s, "problems": self._problems.shown(time.time())}
            content |= {"history": self._series.shown(), "sessions": shown(sessions)}
            self.viewers.publish(_event(content))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        path = scope["path"]
        if scope["method"] not in ("GET", "HEAD"):
            await _respond(send, 405, "only GET\n", more=(("Allow", "GET, HEAD"),))
        elif _without_port(headers.get("host", "")) not in self._hosts:
            # A page of another site may have resolved its own name to this machine.
            await _respond(send, 403, "the monitor has another host name; set monitor_url\n")
        elif path == "/metrics":
            await self._metrics(headers.get("accept", ""), send)
        elif path == "/monitor" and (tokens := parse_qs(scope["query_string"].decode("latin-1")).get("token")):
            await self._log_in(tokens[0], send)
        elif path == "/monitor" or path.startswith("/monitor/"):
            await self._restricted(path, headers.get("cookie", ""), receive, send)
        else:
            await _respond(send, 404, "not found\n")

    async def _metrics(self, accept: str, send: Send) -> None:
        taken_s, answer = self._scraped.get(accept, (0.0, None))
        if answer is None or time.monotonic() > taken_s + MIN_SCRAPE_S:
            answer = render(self._readings.read(), self._sessions.newest, self._prefix, accept)
            # One client scrapes; a few have other headers. More than that are not worth remembering.
            self._scraped = {accept: (time.monotonic(), answer)}
        body, content_type = answer
        await _respond(send, 200, body, content_type)

    async def _log_in(self, token: str, send: Send) -> None:
        cookie = self._access.redeem(token)
        if cookie is None:
            await _respond(send, 403, "the link is over a minute old, or was used already; open the monitor anew\n")
            return
        attributes = f"Max-Age={COOKIE_S}; Path=/monitor; HttpOnly; SameSite=Lax{self._secure}"
        more = (("Location", "/monitor"), ("Set-Cookie", f"{self._access.cookie_name}={cookie}; {attributes}"))
        await _respond(send, 303, "", more=more)

    async def _restricted(self, path: str, cookies: str, receive: Receive, send: Send) -> None:
        name = path.removeprefix("/monitor").removeprefix("/")
        cookie = _cookie(cookies, self._access.cookie_name)
        if self._access.user(cookie) is None:
            await _respond(send, 401, "log in as an administrator, and open the monitor from the application\n")
        elif name == "":
            await _respond(send, 200, (PAGE / "monitor.html").read_bytes(), HTML)
        elif name in FILES:
            await _respond(send, 200, (PAGE / name).read_bytes(), f"{FILES[name]}; charset=utf-8")
        elif name == "events":
            await self._stream(cookie, receive, send)
        else:
            await _respond(send, 404, "not found\n")

    async def _stream(self, cookie: str, receive: Receive, send: Send) -> None:
        with self.viewers.admitted() as has_room:
            if not has_room:
                await _respond(send, 503, "too many pages are open; this one tries again\n", more=(RETRY_AFTER,))
                return
            sending = asyncio.ensure_future(self._send_events(cookie, send))
            leaving = asyncio.ensure_future(_disconnected(receive))
            try:
                await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (sending, leaving):
                    task.cancel()
                    with suppress(asyncio.CancelledError, TimeoutError, OSError):
                        await task

    async def _send_events(self, cookie: str, send: Send) -> None:
        await send(_start(200, "text/event-stream; charset=utf-8", (("X-Accel-Buffering", "no"),)))
        async for event in self.viewers.events():
            if self._access.user(cookie) is None:  # it has ended since
                event = b"event: ended\ndata: {}\n\n"
            await asyncio.wait_for(send({"type": "http.response.body", "body": event, "more_body": True}),
                                   SEND_TIMEOUT_S)  # fmt: skip
            if event.startswith(b"event: ended"):
                break
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _event(content: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(content, separators=(',', ':'))}\n\n".encode()


async def _disconnected(receive: Receive) -> None:
    """Return when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _cookie(header: str, name: str) -> str:
    try:
        morsel = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _without_port(host: str) -> str:
    name, _, port = host.lower().rpartition(":")
    return name if name and port.isdigit() else host.lower()


def _start(status: int, content_type: str, more: Headers) -> Message:
    headers = [("Content-Type", content_type), *more, *HEADERS]
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return {"type": "http.response.start", "status": status, "headers": raw}


async def _respond(send: Send, status: int, body: str | bytes, content_type: str = TEXT, more: Headers = ()) -> None:
    content = body.encode() if isinstance(body, str) else body
    await send(_start(status, content_type, (*more, ("Content-Length", str(len(content))))))
    await send({"type": "http.response.body", "body": content})
