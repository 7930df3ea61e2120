"""A session that is JSON, and what every kind of it has in common: lifetimes, cookies, and a new id at each login."""

import secrets
import time
from abc import abstractmethod
from contextlib import suppress
from dataclasses import dataclass

from flask import Flask, Request, Response
from flask.sessions import SessionMixin
from werkzeug.datastructures import CallbackDict

from ..store import StoreAway
from .attributes import OwnAttributes

REFRESH_S = 60  # how often a session that is only read is written, and so much earlier than said it may end


@dataclass
class Kept:
    """A session as it is kept: its content, and when it began and was last written (seconds since the epoch)."""

    data: dict
    began_s: int
    seen_s: int

    @classmethod
    def read(cls, made: object) -> "Kept | None":
        """From parsed JSON; None for anything else than a session."""
        match made:
            case {"data": dict(data), "began_s": int(began_s), "seen_s": int(seen_s)}:
                return cls(data, began_s, seen_s)
        return None

    def record(self) -> dict:
        return {"data": self.data, "began_s": self.began_s, "seen_s": self.seen_s}


class JsonSession(CallbackDict, SessionMixin):
    """A dictionary that knows whether it was changed. `token` is what its cookie says, empty for a new one.

    `unavailable` is set where the store could not be asked: nobody knows whose session it is.
    """

    permanent = True  # lifetimes are the deployment's

    def __init__(self, kept: Kept | None = None, token: str = "", unavailable: bool = False):
        def changed(_):
            self.modified = True

        super().__init__(kept.data if kept else {}, changed)
        self.modified = False
        self.new = kept is None
        self.token = token
        self.unavailable = unavailable
        now_s = int(time.time())
        self.began_s, self.seen_s = (kept.began_s, kept.seen_s) if kept else (now_s, now_s)


class JsonSessions(OwnAttributes):
    """A session interface; its kinds say what the cookie holds, and keep the rest."""

    def __init__(self, lifetime_s: int, longest_s: int):
        self._lifetime_s = lifetime_s
        self._longest_s = longest_s

    @abstractmethod
    def read(self, token: str) -> Kept | None:
        """The session of a cookie; None for one that is unknown, forged, truncated or of somebody else."""

    @abstractmethod
    def write(self, token: str, kept: Kept, left_s: int) -> str:
        """Keep the session for so many seconds; the cookie's new content.

        An empty token asks for a new id; one of a session that is gone by now does not bring it back.
        """

    @abstractmethod
    def drop(self, token: str) -> None:
        """Let the session of a cookie be worth nothing, where that can be done."""

    def open_session(self, app: Flask, request: Request) -> JsonSession:
        token = request.cookies.get(self.get_cookie_name(app), "")
        kept = self.read(token) if token else None
        if kept and self._left_s(kept) <= 0:
            kept = None
        # The cookie of no session is kept in mind, so that the browser can be told to forget it.
        return JsonSession(kept, token)

    def save_session(self, app: Flask, session: JsonSession, response: Response) -> None:
        if session.accessed:
            response.vary.add("Cookie")
        if session:
            now_s = int(time.time())
            if session.modified:
                self._keep(app, session, response, now_s)
            elif now_s - session.seen_s >= min(REFRESH_S, self._lifetime_s // 2):
                with suppress(StoreAway):  # it is as good as it was, and the next request tries again
                    self._keep(app, session, response, now_s)
        elif session.token:
            if session.modified:
                self.drop(session.token)
            response.delete_cookie(self.get_cookie_name(app), **self.cookie_attributes(app))

    def renew(self, session: JsonSession) -> None:
        """Begin an empty session under a new id."""
        if session.token:
            self.drop(session.token)
        session.clear()
        session.token, session.new = "", True
        session.began_s = int(time.time())

    def _keep(self, app, session, response, now_s):
        kept = Kept(dict(session), session.began_s, now_s)
        left_s = self._left_s(kept)
        # An id that was no session may be somebody's choice: it never becomes one.
        token = self.write("" if session.new else session.token, kept, left_s)
        response.set_cookie(self.get_cookie_name(app), token, max_age=left_s, **self.cookie_attributes(app))

    def _left_s(self, kept):
        """Seconds until it ends for want of requests, or for its age."""
        return min(kept.seen_s + self._lifetime_s, kept.began_s + self._longest_s) - int(time.time())


def new_id() -> str:
    """256 random bits as 43 characters of a URL."""
    return secrets.token_urlsafe(32)
