"""What a failure looks like from outside: a status and a short reason, JSON for the API, no internals."""

from flask import Flask, jsonify, request
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from .sessions.timed import UNAVAILABLE
from .store import StoreAway

REASONS = (
    (PoolTimeout, "no free database connection"),
    (SQLAlchemyError, "database error"),
    (StoreAway, UNAVAILABLE),
    (RedisError, UNAVAILABLE),
)


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, _refused)
    for kind, reason in REASONS:
        app.register_error_handler(kind, lambda error, reason=reason: _unavailable(app, reason, error))


def _refused(error):
    if not request.path.startswith("/api/"):
        return error
    answer = error.get_response()  # with the headers that belong to the status, such as Allow
    answer.data = jsonify(success=False, error=error.description).data
    answer.content_type = "application/json"
    return answer


def _unavailable(app, reason, error):
    app.logger.error(reason, extra={"error": type(error).__name__, "reason": str(error).split("\n")[0]})
    return jsonify(success=False, error=reason), 503, {"Retry-After": "1"}
