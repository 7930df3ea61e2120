"""An HTTP client that costs little: the same bytes over a few connections, and a check of each response."""

import selectors
import socket
from dataclasses import dataclass
from typing import Self

from workbench.endpoints import LOGIN

from .paired_apps import HEADER
from .served_worker import CREDENTIALS, RUN_TOKEN, Worker

_CLOSE, _LENGTH, _HEAD_END = b"\r\nConnection: close\r\n", b"\r\nContent-Length: ", b"\r\n\r\n"


class UnexpectedResponse(RuntimeError):
    """A response to another request than the one to be measured, such as the login form."""


@dataclass(frozen=True)
class CheckedRequest:
    """The bytes of a request, how its response must begin, and what the response must contain."""

    content: bytes
    beginning: bytes
    proof: bytes

    @classmethod
    def get(cls, worker: Worker, path: str, proof: bytes = b"") -> Self:
        """A GET with the worker's session."""
        return cls(_request("GET", worker, path, f"Cookie: {worker.cookie}"), b"HTTP/1.1 200 ", proof)

    @classmethod
    def cached(cls, worker: Worker, path: str) -> Self:
        """A GET whose response is in the cache from now on: it must be the same each time, with its creation time."""
        request = cls.get(worker, path)
        with Connections(worker, 1) as connections:
            response = connections.send(request, 1)
        return cls.get(worker, path, response.partition(_HEAD_END)[2])

    @classmethod
    def login(cls, worker: Worker) -> Self:
        """A login, which must redirect to the start page."""
        form = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(CREDENTIALS)}"
        content = _request(LOGIN.method, worker, LOGIN.path, form) + CREDENTIALS
        return cls(content, b"HTTP/1.1 302 ", b"\r\nLocation: /\r\n")

    def check(self, response: bytes) -> None:
        """Raise `UnexpectedResponse` if the response is not that of this request."""
        if not (response.startswith(self.beginning) and self.proof in response):
            raise UnexpectedResponse(response[:2000].decode("latin-1"))


def _request(method: str, worker: Worker, path: str, headers: str) -> bytes:
    host = "{}:{}".format(*worker.address)
    common = f"Host: {host}\r\n{HEADER}: {worker.application}\r\nX-Run-Token: {RUN_TOKEN}"
    return f"{method} {path} HTTP/1.1\r\n{common}\r\n{headers}\r\n\r\n".encode()


class Connections:
    """A context manager that keeps `count` requests in flight, one a connection.

    Connections are opened when needed, and kept if the server keeps them.
    """

    def __init__(self, worker: Worker, count: int):
        self._address = worker.address
        self._count = count
        self._selector = selectors.DefaultSelector()
        self._idle: list[socket.socket] = []
        self._responses: dict[socket.socket, bytes] = {}  # as far as they were received, by busy connection

    def send(self, request: CheckedRequest, times: int) -> bytes:
        """Send the request `times` times in all, and return the last response. Raises `UnexpectedResponse`."""
        response, remaining = b"", times
        while remaining or self._responses:
            while remaining and len(self._responses) < self._count:
                self._send(request.content)
                remaining -= 1
            for key, _ in self._selector.select():
                connection = key.data
                if self._receive(connection):
                    response = self._take_response(connection)
                    request.check(response)
        return response

    def _send(self, content: bytes) -> None:
        connection = self._idle.pop() if self._idle else self._open()
        self._responses[connection] = b""
        connection.sendall(content)

    def _open(self) -> socket.socket:
        connection = socket.create_connection(self._address)
        self._selector.register(connection, selectors.EVENT_READ, connection)
        return connection

    def _receive(self, connection: socket.socket) -> bool:
        """Receive what has arrived; returns whether the response is complete."""
        received = connection.recv(65536)
        if not received:
            raise UnexpectedResponse("the server closed the connection")
        self._responses[connection] += received
        return _is_complete(self._responses[connection])

    def _take_response(self, connection: socket.socket) -> bytes:
        response = self._responses.pop(connection)
        if _CLOSE in response:
            self._close(connection)
        else:
            self._idle.append(connection)
        return response

    def _close(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for connection in (*self._idle, *self._responses):
            self._close(connection)
        self._selector.close()


def _is_complete(response: bytes) -> bool:
    head_end = response.find(_HEAD_END)
    if head_end < 0:
        return False
    length = response.index(_LENGTH, 0, head_end + 2) + len(_LENGTH)
    return len(response) - head_end - len(_HEAD_END) >= int(response[length : response.index(b"\r", length)])
