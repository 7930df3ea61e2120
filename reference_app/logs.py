"""Log lines: one JSON object each, with the id of the request that they are about.

A request brings its id in `X-Request-ID`, or is given one; the answer carries it too.
"""

import logging
import os
import re
import secrets

from flask import Flask, g, has_request_context, request
from flask.logging import wsgi_errors_stream
from pythonjsonlogger.json import JsonFormatter

HEADER = "X-Request-ID"
FIELDS = "%(asctime)s %(levelname)s %(message)s %(request_id)s %(method)s %(path)s %(worker)s"
NAMES = {"asctime": "time", "levelname": "level", "message": "event"}
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class AboutRequest(logging.Filter):
    """Adds the request that is being served to each record; outside of one the fields are null."""

    def filter(self, record: logging.LogRecord) -> bool:
        inside = has_request_context()
        record.request_id = g.get("request_id") if inside else None
        record.method = request.method if inside else None
        record.path = request.path if inside else None
        record.worker = int(os.environ.get("TRACETRACK_WORKER", 0))
        return True


def init_app(app: Flask) -> None:
    """Let every logger of this package write JSON to the error stream, and give each request an id."""
    logger = logging.getLogger(__package__)
    if not logger.handlers:
        handler = logging.StreamHandler(wsgi_errors_stream)
        handler.setFormatter(JsonFormatter(FIELDS, rename_fields=NAMES))
        handler.addFilter(AboutRequest())
        logger.addHandler(handler)
        logger.setLevel(logging.WARNING)
    app.before_request(_identify)
    app.after_request(_tell)


def _identify():
    given = request.headers.get(HEADER, "")
    g.request_id = given if _GIVEN_ID.fullmatch(given) else secrets.token_hex(8)


def _tell(response):
    response.headers[HEADER] = g.get("request_id", "")
    return response
