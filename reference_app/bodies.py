"""The body of a request is read whole or refused: 413 where it is too long, 400 where it is not what it says.

Werkzeug cuts off a chunked body that is too long, and goes on with its beginning.
"""

from io import BytesIO

import flask
from flask import Flask
from gunicorn.http.errors import NoMoreData, ParseException
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.utils import cached_property

LONGEST_BYTES = 64 * 1024


class Request(flask.Request):
    @cached_property
    def stream(self):
        if self.content_length is not None or not self.environ.get("wsgi.input_terminated"):
            return super().stream
        try:
            content = self.environ["wsgi.input"].read(LONGEST_BYTES + 1)
        except (ParseException, NoMoreData) as error:
            raise BadRequest("the chunks of the body cannot be read") from error
        if len(content) > LONGEST_BYTES:
            raise RequestEntityTooLarge
        return BytesIO(content)


def init_app(app: Flask) -> None:
    app.config.update(MAX_CONTENT_LENGTH=LONGEST_BYTES)
    app.request_class = Request
