"""Any session interface, with its time booked and its failures told: 503 instead of a wrong answer."""

import redis
from flask import Flask, Request, Response, jsonify
from flask.sessions import SessionInterface, SessionMixin

from instrumentation import server_timing

from ..store import StoreAway
from .json_session import JsonSession

AWAY = (StoreAway, redis.RedisError, OSError)
UNAVAILABLE = "the session store is not available"


class TimedSessions(SessionInterface):
    """Reading and writing are booked as `session`."""

    def __init__(self, inner: SessionInterface):
        self._inner = inner

    def open_session(self, app: Flask, request: Request) -> SessionMixin:
        with server_timing.part("session"):
            try:
                return self._inner.open_session(app, request)
            except AWAY:
                return JsonSession(unavailable=True)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if is_unavailable(session):
            return
        with server_timing.part("session"):
            try:
                self._inner.save_session(app, session, response)
            except AWAY as error:
                app.logger.error("session not kept", extra={"error": type(error).__name__, "reason": str(error)})
                _refuse(response)

    def is_null_session(self, obj: object) -> bool:
        return self._inner.is_null_session(obj)

    def renew(self, session: SessionMixin) -> None:
        """Begin an empty session under a new id, so that an id from before the login is worth nothing.

        Raises `StoreAway` or an error of the store where that cannot be done.
        """
        if isinstance(session, JsonSession):
            self._inner.renew(session)
        else:
            self._inner.regenerate(session)
            session.clear()


def is_unavailable(session: SessionMixin) -> bool:
    """Whether nobody knows whose session it is, as its store is away."""
    return getattr(session, "unavailable", False)


def _refuse(response):
    """Turn a finished answer into the one that is true."""
    response.status_code = 503
    response.headers.pop("Location", None)
    response.headers.pop("Set-Cookie", None)
    response.headers["Retry-After"] = "1"
    response.data = jsonify(success=False, error=UNAVAILABLE).data
    response.content_type = "application/json"
