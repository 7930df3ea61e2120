"""A session interface around any other: books its time as `session`, and answers its failures with 503."""

from typing import Any

import redis
from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin

from instrumentation import server_timing

from ..rendering import json_document
from ..store import StoreUnavailable
from .json_session import JsonSession

STORE_ERRORS = (StoreUnavailable, redis.RedisError, OSError)
UNAVAILABLE = "the session store is not available"


class TimedSessions(SessionInterface):
    """Reading and writing a session are booked as `session`."""

    def __init__(self, inner: Any):
        """`inner` is a session interface with `renew`, or Flask-Session's with `regenerate`."""
        self._inner = inner

    def open_session(self, app: Flask, request: Request) -> SessionMixin:
        with server_timing.part("session"):
            try:
                return self._inner.open_session(app, request)
            except STORE_ERRORS:
                return JsonSession(unavailable=True)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if is_unavailable(session):
            return
        with server_timing.part("session"):
            try:
                self._inner.save_session(app, session, response)
            except STORE_ERRORS as error:
                app.logger.error("session not saved", extra={"error": type(error).__name__, "reason": str(error)})
                _replace_by_503(response)

    def is_null_session(self, obj: object) -> bool:
        return self._inner.is_null_session(obj)

    def renew(self, session: SessionMixin) -> None:
        """Replace the session by an empty one with a new id, so that an id from before the login is invalid.

        Raises `StoreUnavailable` or an error of the store where that is not possible.
        """
        if isinstance(session, JsonSession):
            self._inner.renew(session)
        else:
            self._inner.regenerate(session)
            session.clear()


def is_unavailable(session: SessionMixin) -> bool:
    """True if the session could not be read, so that its user is unknown."""
    return getattr(session, "unavailable", False)


def _replace_by_503(response: Response) -> None:
    """Turn a finished response, which says that the session was saved, into a 503."""
    response.status_code = 503
    response.headers.pop("Location", None)
    response.headers.pop("Set-Cookie", None)
    response.headers["Retry-After"] = "1"
    response.set_data(json_document(success=False, error=UNAVAILABLE))
    response.content_type = "application/json"
