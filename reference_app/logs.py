"""Log lines: one JSON object each, with the id of the request that they are about.

A request brings its id in `X-Request-ID`, or is given one; the response carries it too. The trace that it belongs to
comes in `traceparent`.
"""

import logging
import re
import secrets
import sys
from typing import Any

from flask import Flask, Response, g, has_request_context, request
from pythonjsonlogger.json import JsonFormatter
from werkzeug.local import LocalProxy

import instrumentation
from instrumentation.trace_id import trace_id_of

from .worker_number import worker_number

HEADER = "X-Request-ID"
FORMAT = "%(asctime)s %(levelname)s %(message)s %(request_id)s %(trace_id)s %(method)s %(path)s %(worker)s"
RENAMED_FIELDS = {"asctime": "time", "levelname": "level", "message": "event"}
LOGGERS = (__package__, instrumentation.__name__)
_VALID_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestFields(logging.Filter):
    """Adds the request that is being served to each record; outside of one the fields are null."""

    def filter(self, record: logging.LogRecord) -> bool:
        inside = has_request_context()
        record.request_id = g.get("request_id") if inside else None
        record.trace_id = trace_id_of(request.headers.get("traceparent")) if inside else None
        record.method = request.method if inside else None
        record.path = request.path if inside else None
        record.worker = worker_number()
        return True


def init_app(app: Flask) -> None:
    """Let the loggers of the application and its instrumentation write JSON to stderr, and give each request an id."""
    for name in LOGGERS:
        _write_json(logging.getLogger(name))
    app.before_request(_identify_request)
    app.after_request(_send_request_id)


def _write_json(logger: logging.Logger) -> None:
    if not logger.handlers:
        stream: Any = LocalProxy(_error_stream)
        handler = logging.StreamHandler(stream)
        handler.setFormatter(JsonFormatter(FORMAT, rename_fields=RENAMED_FIELDS))
        handler.addFilter(RequestFields())
        logger.addHandler(handler)
        logger.setLevel(logging.WARNING)


def _error_stream() -> Any:
    """The error stream that a WSGI server gives to a request, else stderr."""
    environ = getattr(request, "environ", {}) if has_request_context() else {}
    return environ.get("wsgi.errors", sys.stderr)


def _identify_request() -> None:
    given = request.headers.get(HEADER, "")
    g.request_id = given if _VALID_ID.fullmatch(given) else secrets.token_hex(8)


def _send_request_id(response: Response) -> Response:
    response.headers[HEADER] = g.get("request_id", "")
    return response
