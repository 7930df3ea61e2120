"""Decorators for views that need the session, or a user who is logged in."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import g, jsonify, session
from flask.typing import ResponseReturnValue

from .sessions.timed_sessions import UNAVAILABLE, is_unavailable

View = Callable[..., ResponseReturnValue]
User = dict[str, Any]


def sessions_required(view: View) -> View:
    """Answer 503 in place of the view while the session cannot be read, so that the user is unknown."""

    @wraps(view)
    def guarded(**parameters: Any) -> ResponseReturnValue:
        if is_unavailable(session):
            return jsonify(success=False, error=UNAVAILABLE), 503, {"Retry-After": "1"}
        return view(**parameters)

    return guarded


def login_required(view: View) -> View:
    """Answer 401 as JSON in place of the view without a user who is logged in; the user is in `g.user`."""

    @wraps(view)
    def guarded(**parameters: Any) -> ResponseReturnValue:
        g.user = current_user()
        if not g.user:
            return jsonify(success=False, error="not logged in"), 401
        return view(**parameters)

    return sessions_required(guarded)


def current_user() -> User | None:
    """The session's user (id, username and role); None if no user is logged in."""
    match session.get("user"):
        case {"id": int(), "username": str(), "role": str()} as user:
            return user
    return None
