"""Sessions in JSON, and what all kinds of them share: lifetimes, cookies, and a new id at each login."""

import time
from abc import abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SessionMixin
from werkzeug.datastructures import CallbackDict

from ..store import StoreUnavailable
from .cookie_attributes import CookieAttributes

REFRESH_S = 60  # how often a session that is only read is written; it may end that much before its lifetime


@dataclass
class SessionRecord:
    """A session as it is stored: its content, and when it began and was last written (seconds since the epoch).

    `id` names a session that is stored in its cookie only, from its login to its end; it is empty for others.
    """

    data: dict[str, Any]
    began_s: int
    seen_s: int
    id: str = ""

    @classmethod
    def from_json(cls, content: object) -> "SessionRecord | None":
        """Read parsed JSON; None for anything other than a session."""
        match content:
            case {"data": dict(data), "began_s": int(began_s), "seen_s": int(seen_s), "id": str(session_id)}:
                return cls(data, began_s, seen_s, session_id)
            case {"data": dict(data), "began_s": int(began_s), "seen_s": int(seen_s)}:
                return cls(data, began_s, seen_s)
        return None

    def to_json(self) -> dict[str, Any]:
        """The record as `from_json` reads it."""
        times = {"data": self.data, "began_s": self.began_s, "seen_s": self.seen_s}
        return times | ({"id": self.id} if self.id else {})


class JsonSession(CallbackDict[str, Any], SessionMixin):
    """A dictionary that knows whether it was changed. `token` is the content of its cookie, empty for a new session.

    `unavailable` is set if the store could not be read, so that the user of the session is unknown. `revocation_id` is
    the id of a session in its cookie, under which the database knows that it has ended.
    """

    permanent = True  # lifetimes are the deployment's

    def __init__(self, record: SessionRecord | None = None, token: str = "", unavailable: bool = False):
        def changed(_: Any) -> None:
            self.modified = True

        super().__init__(record.data if record else {}, changed)
        self.modified = False
        self.new = record is None
        self.token = token
        self.unavailable = unavailable
        self.revocation_id = record.id if record else ""
        now_s = int(time.time())
        self.began_s, self.seen_s = (record.began_s, record.seen_s) if record else (now_s, now_s)


class JsonSessions(CookieAttributes):
    """A session interface; its subclasses define the content of the cookie, and where sessions are stored.

    `store_expires` says that the store itself drops a session after `left_s` seconds, whatever becomes of the wall
    clock here: a clock that is set an hour ahead must not end all sessions.
    """

    store_expires = False

    def __init__(self, lifetime_s: int, max_age_s: int):
        self._lifetime_s = lifetime_s
        self._max_age_s = max_age_s

    @abstractmethod
    def read(self, token: str) -> SessionRecord | None:
        """The session of a cookie; None for one that is unknown, forged, truncated or of another application."""

    @abstractmethod
    def write(self, token: str, record: SessionRecord, left_s: int) -> str | None:
        """Store the session for `left_s` seconds; the new content of the cookie.

        An empty token gets a new id. None for the token of a session that has ended meanwhile: nothing brings it back.
        """

    @abstractmethod
    def drop(self, token: str) -> None:
        """Invalidate the session of a cookie, where that is possible."""

    def open_session(self, app: Flask, request: Request) -> JsonSession:
        token = request.cookies.get(self.get_cookie_name(app), "")
        record = self.read(token) if token else None
        if record and self._is_over(record):
            record = None
        # An invalid cookie is kept as token, so that the response can make the browser delete it.
        return JsonSession(record, token)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        assert isinstance(session, JsonSession)
        if session.accessed:
            response.vary.add("Cookie")
        if session:
            self._save(app, session, response)
        elif session.token:
            if session.modified:
                self.drop(session.token)
            response.delete_cookie(self.get_cookie_name(app), **self.cookie_attributes(app))

    def _save(self, app: Flask, session: JsonSession, response: Response) -> None:
        """Write a session that was changed, or that was not written for some time."""
        now_s = int(time.time())
        if session.modified:
            self._write(app, session, response, now_s)
        elif now_s - session.seen_s >= min(REFRESH_S, self._lifetime_s // 2):
            with suppress(StoreUnavailable):  # the stored session is still valid, and the next request tries again
                self._write(app, session, response, now_s)

    def renew(self, session: JsonSession) -> None:
        """Replace the session by an empty one with a new id."""
        if session.token:
            self.drop(session.token)
        session.clear()
        session.token, session.revocation_id, session.new = "", "", True
        session.began_s = int(time.time())

    def _write(self, app: Flask, session: JsonSession, response: Response, now_s: int) -> None:
        record = SessionRecord(dict(session), session.began_s, now_s, session.revocation_id)
        left_s = self._left_s(record)
        # An id without a session may have been chosen by an attacker: it never becomes one.
        token = self.write("" if session.new else session.token, record, left_s)
        # After a logout in the meantime a cookie would bring the session back, or replace that of the next login.
        if token is not None:
            response.set_cookie(self.get_cookie_name(app), token, max_age=left_s, **self.cookie_attributes(app))

    def _is_over(self, record: SessionRecord) -> bool:
        """Whether a session that was read has ended, for its age or for lack of requests."""
        if self.store_expires:
            return record.began_s + self._max_age_s <= int(time.time())
        return self._left_s(record) <= 0

    def _left_s(self, record: SessionRecord) -> int:
        """Seconds until the session ends, for lack of requests or for its age."""
        return min(record.seen_s + self._lifetime_s, record.began_s + self._max_age_s) - int(time.time())
