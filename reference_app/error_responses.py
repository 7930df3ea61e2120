"""Responses to failures: a status and a short reason, JSON for the API, no internals."""

from functools import partial

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from .hash_executor import HashWaitExceeded
from .rendering import json_document
from .sessions.timed_sessions import UNAVAILABLE
from .store import StoreUnavailable
from .upstream import UpstreamTooSlow, UpstreamUnavailable

REASONS: tuple[tuple[type[Exception], str, int], ...] = (
    (PoolTimeout, "no free database connection", 503),
    (SQLAlchemyError, "database error", 503),
    (StoreUnavailable, UNAVAILABLE, 503),
    (RedisError, UNAVAILABLE, 503),
    (HashWaitExceeded, "too many logins at once", 503),
    (UpstreamUnavailable, "the carrier is not available", 503),
    (UpstreamTooSlow, "the carrier did not answer in time", 504),
)


def init_app(app: Flask) -> None:
    """Register a handler for each kind of failure."""
    app.register_error_handler(HTTPException, _http_error)
    for kind, reason, status in REASONS:
        app.register_error_handler(kind, partial(_unavailable, app, reason, status))


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if not request.path.startswith("/api/"):
        return error
    response = error.get_response()  # with the headers that belong to the status, such as Allow
    response.set_data(json_document(success=False, error=error.description))
    response.content_type = "application/json"
    return response


def _unavailable(app: Flask, reason: str, status: int, error: Exception) -> ResponseReturnValue:
    app.logger.error(reason, extra={"error": type(error).__name__, "reason": str(error).split("\n")[0]})
    return jsonify(success=False, error=reason), status, {"Retry-After": "1"}
