"""Sessions by Flask-Session, as the published application uses it (files) and as its advice does (Redis)."""

from datetime import timedelta
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SessionMixin
from flask_session.base import MsgSpecSerializer, ServerSideSessionInterface
from flask_session.cachelib import CacheLibSessionInterface
from flask_session.redis import RedisSessionInterface
from redis import RedisError

from ..settings import Settings
from ..store import StoreUnavailable
from .cookie_attributes import CookieAttributes
from .session_files import SessionFiles, make_directory


class SessionEnded(Exception):
    """A session that a request read has ended before the request did."""


class PublishedSessions(CookieAttributes, ServerSideSessionInterface):
    """Flask-Session, with four corrections.

    Content that is not a dictionary is no session, a cookie is deleted with the attributes with which it was set, a
    session that has ended during a request is not brought back at its end, and a request that has changed nothing does
    not fail because its session cannot be written: what is stored still holds.
    """

    def open_session(self, app: Flask, request: Request) -> Any:
        inherited: Any = super()
        session = inherited.open_session(app, request)
        session.stored_id = session.sid if request.cookies.get(self.get_cookie_name(app)) == session.sid else None
        return session

    def _retrieve_session_data(self, store_id: str) -> dict[str, Any] | None:
        inherited: Any = super()
        content = inherited._retrieve_session_data(store_id)
        return content if isinstance(content, dict) else None

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        inherited: Any = super()
        try:
            inherited.save_session(app, session, response)
        except SessionEnded:
            return  # without a cookie, which might replace that of the next login
        except (StoreUnavailable, RedisError):
            if session.modified:
                raise
        if not session and session.modified:
            response.headers.remove("Set-Cookie")
            response.delete_cookie(self.get_cookie_name(app), **self.cookie_attributes(app))


class PublishedFiles(PublishedSessions, CacheLibSessionInterface):
    """The published application's sessions."""

    cache: SessionFiles

    @classmethod
    def from_settings(cls, app: Flask, settings: Settings) -> "PublishedFiles":
        """The sessions of a deployment, in its session directory."""
        make_directory(settings.session_directory)
        _set_lifetime(app, settings)
        slot = app.extensions["worker_slot"]
        return cls(client=SessionFiles(settings.session_directory, settings.session_threshold, slot))

    def _upsert_session(self, session_lifetime: timedelta, session: Any, store_id: str) -> None:
        write = self.cache.replace if session.sid == session.stored_id else self.cache.set
        if not write(store_id, dict(session), int(session_lifetime.total_seconds())):
            raise SessionEnded


class PublishedRedis(PublishedSessions, RedisSessionInterface):
    """The sessions of the published advice."""

    serializer: MsgSpecSerializer

    @classmethod
    def from_settings(cls, app: Flask, settings: Settings) -> "PublishedRedis":
        """The sessions of a deployment, in its store."""
        store = app.extensions["store"]
        _set_lifetime(app, settings)
        sessions = cls(app, store.client, key_prefix=f"{store.prefix}session:")
        sessions.serializer = TolerantSerializer(app, "msgpack")
        return sessions

    def _upsert_session(self, session_lifetime: timedelta, session: Any, store_id: str) -> None:
        content, exists = self.serializer.encode(session), session.sid == session.stored_id
        if not self.client.set(store_id, content, ex=int(session_lifetime.total_seconds()), xx=exists):
            raise SessionEnded


class TolerantSerializer(MsgSpecSerializer):
    """Flask-Session's own; content that it cannot read is no session, instead of an error of the server."""

    def decode(self, serialized_data: bytes) -> Any:
        try:
            return super().decode(serialized_data)
        except Exception:  # pickle.loads may raise anything
            return None


def _set_lifetime(app: Flask, settings: Settings) -> None:
    app.config.update(PERMANENT_SESSION_LIFETIME=timedelta(seconds=settings.session_lifetime_s))
