"""A connection of the server: one request at a time, answered as its path says, and logged."""

import asyncio
import json
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .delays import DISTRIBUTIONS, Delays
from .log import Entry, Log

SLOW_HEADER_MS = 200.0
LONGEST_HEAD = 64 * 2**10
RUBBISH = b"\x00\x01 this is no HTTP \xff\r\n\r\n"
LOGIN_PAGE = (
    b"<!doctype html><title>Login</title><form method=post action=/login>"
    b"<input name=username><input name=password type=password><button>Login</button></form>"
)
RESET = struct.pack("ii", 1, 0)  # SO_LINGER for 0 s: what is not sent is dropped, and the peer gets an RST


@dataclass(frozen=True)
class Request:
    """`target` is the path without its query; names of headers are in lower case, the last of a name counts."""

    target: str
    headers: dict[str, str]
    keep_alive: bool
    body_bytes: int

    @classmethod
    def parse(cls, head: bytes) -> "Request":
        """Of the bytes before the empty line. Raises `ValueError` if they are no head of HTTP."""
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
    """What the connections of a server share. `on_request` is called before each request is served."""

    loop: asyncio.AbstractEventLoop
    delays: Delays
    log: Log
    on_request: Callable[[], None]
    connections: set["Connection"] = field(default_factory=set)  # those that are open


class Connection(asyncio.Protocol):
    """Bodies of requests are read and dropped, methods not looked at; what is no HTTP gets a 400 and no line."""

    _transport: asyncio.Transport

    def __init__(self, service: Service):
        self._service = service
        self._unread = b""
        self._request: Request | None = None  # the one that is being served
        self._received_ns = 0
        self._drawn_ms = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._service.connections.add(self)

    def connection_lost(self, _) -> None:
        self._service.connections.discard(self)
        self.give_up()

    def give_up(self) -> None:
        """Log the request that will not be answered any more, if there is one."""
        if self._timer:
            self._timer.cancel()
        if self._request:
            self._log(None)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if not self._request:
            self._take()

    def _take(self):
        """Serve the next request if all of it is there."""
        head, found, rest = self._unread.partition(b"\r\n\r\n")
        if self._transport.is_closing() or (not found and len(head) <= LONGEST_HEAD):
            return
        try:
            request = Request.parse(head)
        except ValueError:
            self._transport.write(_answer("400 Bad Request", b"", keep_alive=False))
            self._transport.close()
            return
        if len(rest) >= request.body_bytes:
            self._unread = rest[request.body_bytes :]
            self._serve(request)

    def _serve(self, request):
        self._request, self._drawn_ms, self._received_ns = request, 0.0, time.monotonic_ns()
        self._service.on_request()
        path = request.target
        if path in DISTRIBUTIONS:
            self._answer_after(self._service.delays.draw_ms(path))
        elif path == "/slow-header":
            self._transport.write(b"HTTP/1.1 200 OK\r\n")
            self._answer_after(SLOW_HEADER_MS)
        elif path == "/reset":
            self._reset()
        elif path == "/rubbish":
            self._finish(RUBBISH, keep_alive=False)
        else:
            self._finish(_at_once(request), request.keep_alive)

    def _answer_after(self, drawn_ms):
        self._drawn_ms = drawn_ms
        keep_alive = self._request.keep_alive
        answer = _answer("200 OK", json.dumps({"drawn_ms": drawn_ms}).encode(), keep_alive)
        if self._request.target == "/slow-header":
            answer = answer.partition(b"\r\n")[2]
        due_s = self._received_ns / 1e9 + drawn_ms / 1e3
        self._timer = self._service.loop.call_at(due_s, self._finish, answer, keep_alive)

    def _reset(self):
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._transport.abort()
        self._log(time.monotonic_ns())

    def _finish(self, answer, keep_alive):
        self._transport.write(answer)
        self._log(time.monotonic_ns())
        if not keep_alive:
            self._transport.close()
        elif self._unread:
            self._service.loop.call_soon(self._take)

    def _log(self, answered_ns):
        request, self._request = self._request, None
        name = request.headers.get("x-request-id", "")
        self._service.log.add(Entry(name, request.target, self._received_ns, self._drawn_ms, answered_ns))


def _at_once(request):
    match request.target:
        case "/empty":
            return _answer("200 OK", b"", request.keep_alive)
        case "/echo":
            return _answer("200 OK", json.dumps(request.headers).encode(), request.keep_alive)
        case "/login-page":
            return _answer("200 OK", LOGIN_PAGE, request.keep_alive, "text/html")
        case "/error":
            return _answer("500 Internal Server Error", b'{"error": "as asked for"}', request.keep_alive)
    return _answer("404 Not Found", b'{"error": "no such path"}', request.keep_alive)


def _answer(status, body, keep_alive, kind="application/json"):
    close = "" if keep_alive else "Connection: close\r\n"
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{close}\r\n"
    return head.encode() + body
