"""Decorators for views that need the session, or a user who is logged in."""

from collections.abc import Callable
from functools import wraps

from flask import g, jsonify, session
from flask.typing import ResponseReturnValue

from .session_account import current_user
from .sessions.timed_sessions import UNAVAILABLE, is_unavailable

View = Callable[..., ResponseReturnValue]


def sessions_required(view: View) -> View:
    """Answer 503 in place of the view while the session cannot be read, so that the user is unknown."""

    @wraps(view)
    def guarded(**parameters: object) -> ResponseReturnValue:
        if is_unavailable(session):
            return jsonify(success=False, error=UNAVAILABLE), 503, {"Retry-After": "1"}
        return view(**parameters)

    return guarded


def login_required(view: View) -> View:
    """Answer 401 as JSON in place of the view without a user who is logged in; the user is in `g.user`."""

    @wraps(view)
    def guarded(**parameters: object) -> ResponseReturnValue:
        g.user = current_user()
        if not g.user:
            return jsonify(success=False, error="not logged in"), 401
        return view(**parameters)

    return sessions_required(guarded)
