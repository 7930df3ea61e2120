"""The body of a request is read whole or refused: 413 where it is too long, 408 where it does not come in time, 400
where it is not what it says.

Werkzeug cuts off a chunked body that is too long, and goes on with its beginning; it waits for any body for good, and
takes one that ended early for whole.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import flask
from flask import Flask, current_app
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import NoMoreData, ParseException
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, RequestTimeout
from werkzeug.utils import cached_property

LONGEST_BYTES = 64 * 1024


class Request(flask.Request):
    @cached_property
    def stream(self):
        if not self.environ.get("wsgi.input_terminated"):
            return super().stream
        said = self.content_length or 0
        content = self._content() if said <= LONGEST_BYTES else b""
        if max(said, len(content)) > LONGEST_BYTES:
            raise RequestEntityTooLarge
        if len(content) < said:
            raise BadRequest("the body is shorter than it says")
        return BytesIO(content)

    def _content(self):
        """No more of it than tells whether it is too long."""
        try:
            with _in_time(self.environ, current_app.settings.body_timeout_s):
                return self.environ["wsgi.input"].read(LONGEST_BYTES + 1)
        except TimeoutError:
            raise RequestTimeout("the body did not come in time") from None
        except (ParseException, NoMoreData, OSError) as error:
            raise BadRequest("the body cannot be read") from error


class Hurried:
    """A connection of which all reads together end in time, or raise `TimeoutError`."""

    def __init__(self, connection, seconds: float):
        self._connection = connection
        self._end_s = time.monotonic() + seconds

    def recv(self, size: int) -> bytes:
        left_s = self._end_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._connection.settimeout(left_s)
        return self._connection.recv(size)


@contextmanager
def _in_time(environ, seconds: float) -> Iterator[None]:
    """Lets gunicorn read the body for so long: its readers know no deadline, and the socket's is for each piece."""
    if not (seconds and "gunicorn.socket" in environ):
        yield
        return
    reader = environ["wsgi.input"].reader
    source = (reader.req if isinstance(reader, ChunkedReader) else reader).unreader
    connection = source.sock
    before_s = connection.gettimeout()
    source.sock = Hurried(connection, seconds)
    try:
        yield
    finally:
        source.sock = connection
        connection.settimeout(before_s)


def init_app(app: Flask) -> None:
    app.config.update(MAX_CONTENT_LENGTH=LONGEST_BYTES)
    app.request_class = Request
