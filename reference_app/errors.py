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
    if request.path.startswith("/api/"):
        return jsonify(success=False, error=error.description), error.code
    return error


def _unavailable(app, reason, error):
    app.logger.error(reason, extra={"error": type(error).__name__, "reason": str(error).split("\n")[0]})
    return jsonify(success=False, error=reason), 503
