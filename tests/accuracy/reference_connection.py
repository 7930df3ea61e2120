"""A connection of the reference server: one request at a time, answered as its path demands, and logged."""

import asyncio
import json
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from .server_log import Entry, Log
from .service_times import DISTRIBUTIONS, ServiceTimes

SLOW_HEADER_MS = 200.0
MAX_HEAD_BYTES = 64 * 2**10
NOT_HTTP = b"\x00\x01 this is no HTTP \xff\r\n\r\n"
LOGIN_PAGE = (
    b"<!doctype html><title>Login</title><form method=post action=/login>"
    b"<input name=username><input name=password type=password><button>Login</button></form>"
)
RESET = struct.pack("ii", 1, 0)  # SO_LINGER for 0 s: unsent bytes are dropped, and the peer gets an RST


@dataclass(frozen=True)
class Request:
    """The head of a request: `target` is the path without its query; names of headers are in lower case, and unique."""

    target: str
    headers: dict[str, str]
    keep_alive: bool
    body_bytes: int

    @classmethod
    def parse(cls, head: bytes) -> "Request":
        """Parse the bytes before the empty line; the last of repeated headers counts.

        Raises `ValueError` if they are not HTTP.
        """
        first, *fields = head.decode("latin-1").split("\r\n")
        _, target, version = first.split(" ")
        headers = {}
        for line in fields:
            name, colon, value = line.partition(":")
            if not colon:
                raise ValueError(line)
            headers[name.lower()] = value.strip()
        keep_alive = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        return cls(target.partition("?")[0], headers, keep_alive, int(headers.get("content-length", 0)))


@dataclass(frozen=True)
class Service:
    """The objects that all connections of a server share. `on_request` is called before each request is served."""

    loop: asyncio.AbstractEventLoop
    service_times: ServiceTimes
    log: Log
    on_request: Callable[[], None]
    connections: set["Connection"] = field(default_factory=set)  # the open ones


class Connection(asyncio.Protocol):
    """Serves the requests of one client, whatever their method and body; what is not HTTP gets a 400 and no line."""

    _transport: asyncio.Transport

    def __init__(self, service: Service):
        self._service = service
        self._unread = b""
        self._request: Request | None = None  # being served
        self._received_ns = 0
        self._drawn_ms = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._service.connections.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._service.connections.discard(self)
        self.log_unanswered()

    def log_unanswered(self) -> None:
        """Log the request that is being served, which will not be answered any more."""
        if self._timer:
            self._timer.cancel()
        self._log(None)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if not self._request:
            self._serve_next()

    def _serve_next(self) -> None:
        """Serve the next request, if all of it has arrived."""
        head, end, rest = self._unread.partition(b"\r\n\r\n")
        if self._transport.is_closing() or (not end and len(head) <= MAX_HEAD_BYTES):
            return
        try:
            request = Request.parse(head)
        except ValueError:
            self._transport.write(_response("400 Bad Request", b"", keep_alive=False))
            self._transport.close()
            return
        if len(rest) >= request.body_bytes:
            self._unread = rest[request.body_bytes :]
            self._serve(request)

    def _serve(self, request: Request) -> None:
        self._request, self._drawn_ms, self._received_ns = request, 0.0, time.monotonic_ns()
        self._service.on_request()
        path = request.target
        if path in DISTRIBUTIONS:
            self._respond_after(request, self._service.service_times.draw_ms(path))
        elif path == "/slow-header":
            self._transport.write(b"HTTP/1.1 200 OK\r\n")
            self._respond_after(request, SLOW_HEADER_MS)
        elif path == "/reset":
            self._reset()
        elif path == "/rubbish":
            self._finish(NOT_HTTP, keep_alive=False)
        else:
            self._finish(_immediate_response(request), request.keep_alive)

    def _respond_after(self, request: Request, drawn_ms: float) -> None:
        self._drawn_ms = drawn_ms
        response = _response("200 OK", json.dumps({"drawn_ms": drawn_ms}).encode(), request.keep_alive)
        if request.target == "/slow-header":
            response = response.partition(b"\r\n")[2]
        due_s = self._received_ns / 1e9 + drawn_ms / 1e3
        self._timer = self._service.loop.call_at(due_s, self._finish, response, request.keep_alive)

    def _reset(self) -> None:
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._transport.abort()
        self._log(time.monotonic_ns())

    def _finish(self, response: bytes, keep_alive: bool) -> None:
        self._transport.write(response)
        self._log(time.monotonic_ns())
        if not keep_alive:
            self._transport.close()
        elif self._unread:
            self._service.loop.call_soon(self._serve_next)

    def _log(self, answered_ns: int | None) -> None:
        request, self._request = self._request, None
        if request is None:
            return
        name = request.headers.get("x-request-id", "")
        self._service.log.add(Entry(name, request.target, self._received_ns, self._drawn_ms, answered_ns))


def _immediate_response(request: Request) -> bytes:
    match request.target:
        case "/empty":
            return _response("200 OK", b"", request.keep_alive)
        case "/echo":
            return _response("200 OK", json.dumps(request.headers).encode(), request.keep_alive)
        case "/login-page":
            return _response("200 OK", LOGIN_PAGE, request.keep_alive, "text/html")
        case "/error":
            return _response("500 Internal Server Error", b'{"error": "as requested"}', request.keep_alive)
    return _response("404 Not Found", b'{"error": "no such path"}', request.keep_alive)


def _response(status: str, body: bytes, keep_alive: bool, kind: str = "application/json") -> bytes:
    close = "" if keep_alive else "Connection: close\r\n"
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{close}\r\n"
    return head.encode() + body
