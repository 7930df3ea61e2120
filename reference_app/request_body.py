"""Reads the body of a request whole or refuses it.

| status | body |
| --- | --- |
| 413 | longer than the limit |
| 408 | not received in time; Granian waits for it without a deadline |
| 411 | of unknown length, where the server does not report that such a body ended early |
| 400 | shorter than its Content-Length, or damaged |

Werkzeug alone cuts a chunked body off at the limit and uses its beginning, waits for any body without a limit, and
takes one that ended early for whole.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from socket import socket
from typing import IO, TYPE_CHECKING

import flask
from flask import Flask
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import NoMoreData, ParseException
from werkzeug.exceptions import BadRequest, LengthRequired, RequestEntityTooLarge, RequestTimeout
from werkzeug.utils import cached_property

from .settings import current_settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MAX_BODY_BYTES = 64 * 1024


class Request(flask.Request):
    """A request whose body is complete and within the limits, or raises the HTTP error that says why not."""

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body; raises the HTTP error of one that is refused."""
        if not self.environ.get("wsgi.input_terminated"):
            return super().stream
        if current_settings().server == "granian" and self.content_length is None:
            self._require_no_body()
        announced = self.content_length or 0
        content = self._read() if announced <= MAX_BODY_BYTES else b""
        if max(announced, len(content)) > MAX_BODY_BYTES:
            raise RequestEntityTooLarge
        if len(content) < announced:
            raise BadRequest("the body is shorter than its Content-Length")
        return BytesIO(content)

    def _require_no_body(self) -> None:
        if self.headers.get("Transfer-Encoding"):
            raise LengthRequired("a body needs a Content-Length here")

    def _read(self) -> bytes:
        """The body, or as much of it as shows that it is too long."""
        try:
            with _read_deadline(self.environ, current_settings().body_timeout_s):
                return self.environ["wsgi.input"].read(MAX_BODY_BYTES + 1)
        except TimeoutError:
            raise RequestTimeout("the body was not received in time") from None
        except (ParseException, NoMoreData, OSError) as error:
            raise BadRequest("the body cannot be read") from error


class DeadlineConnection:
    """A socket whose reads all together end in time, or raise `TimeoutError`."""

    def __init__(self, connection: socket, seconds: float):
        self._connection = connection
        self._end_s = time.monotonic() + seconds

    def recv(self, size: int) -> bytes:
        left_s = self._end_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._connection.settimeout(left_s)
        return self._connection.recv(size)


@contextmanager
def _read_deadline(environ: "WSGIEnvironment", seconds: float) -> Iterator[None]:
    """Bound the time in which gunicorn reads the body: its readers know no deadline, and the socket's is per read."""
    if not (seconds and "gunicorn.socket" in environ):
        yield
        return
    reader = environ["wsgi.input"].reader
    source = (reader.req if isinstance(reader, ChunkedReader) else reader).unreader
    connection = source.sock
    timeout_s = connection.gettimeout()
    source.sock = DeadlineConnection(connection, seconds)
    try:
        yield
    finally:
        source.sock = connection
        connection.settimeout(timeout_s)


def init_app(app: Flask) -> None:
    """Let the application read bodies within the limits."""
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES)
    app.request_class = Request
