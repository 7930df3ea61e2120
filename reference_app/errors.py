"""What a failure looks like from outside: a status and a short reason, JSON for the API, no internals."""

from flask import Flask, jsonify, request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(PoolTimeout, lambda error: _unavailable(app, "no free database connection", error))
    app.register_error_handler(SQLAlchemyError, lambda error: _unavailable(app, "database error", error))


def _refused(error):
    if not request.path.startswith("/api/"):
        return error
    answer = error.get_response()  # with the headers that belong to the status, such as Allow
    answer.data = jsonify(success=False, error=error.description).data
    answer.content_type = "application/json"
    return answer


def _unavailable(app, reason, error):
    app.logger.error(reason, extra={"error": type(error).__name__, "reason": str(error).split("\n")[0]})
    return jsonify(success=False, error=reason), 503
