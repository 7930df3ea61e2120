"""Sessions by Flask-Session, as the published application uses it (files) and as its advice does (Redis)."""

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from cachelib.file import FileSystemCache
from flask import Flask, Response
from flask.sessions import SessionMixin
from flask_session.base import MsgSpecSerializer, ServerSideSessionInterface
from flask_session.cachelib import CacheLibSessionInterface
from flask_session.redis import RedisSessionInterface

from instrumentation.worker_metrics import Slot

from ..settings import Settings, SettingsError
from ..store import StoreUnavailable
from .cookie_attributes import CookieAttributes


class SessionFiles(FileSystemCache):
    """cachelib's files. Above the threshold each write removes the sessions that expire first, living ones too.

    Removed sessions are counted, except the one that is being written, which exists again afterwards.

    A file that cannot be written or removed raises `StoreUnavailable`; cachelib alone would retry a forbidden one for
    ten seconds. A damaged file is no session.
    """

    def __init__(self, directory: str, threshold: int, slot: Slot):
        self._slot = slot
        self._thread = threading.local()
        super().__init__(directory, threshold=threshold)

    def get(self, key: str) -> Any:
        try:
            return super().get(key)
        except StoreUnavailable:
            raise
        except Exception:  # pickle.load may raise anything
            return None

    def set(self, key: str, value: Any, timeout: int | timedelta | None = None, mgmt_element: bool = False) -> bool:
        if mgmt_element:
            return super().set(key, value, timeout, mgmt_element)
        self._thread.writing = self._get_filename(key)
        if not super().set(key, value, timeout):
            raise StoreUnavailable("the session's file could not be written")
        return True

    def delete(self, key: str, mgmt_element: bool = False) -> bool:
        if not super().delete(key, mgmt_element):
            raise StoreUnavailable("the session's file could not be removed")
        return True

    def _remove_older(self) -> bool:
        """Count the files that this worker removes: cachelib's own count is shared with the other workers."""
        existed = os.path.exists(self._thread.writing)
        self._thread.removed = 0
        try:
            return super()._remove_older()
        finally:
            removed, self._thread.removed = self._thread.removed, None
            is_rewritten = existed and not os.path.exists(self._thread.writing)
            self._slot.count("session_evictions", removed - is_rewritten)

    def _update_count(self, delta: int | None = None, value: int | None = None) -> None:
        if delta == -1 and getattr(self._thread, "removed", None) is not None:
            self._thread.removed += 1
        super()._update_count(delta, value)

    def _run_safely(self, fn: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        try:
            return fn(*arguments, **named)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StoreUnavailable(f"the session's file: {error.strerror}") from error


class PublishedSessions(CookieAttributes, ServerSideSessionInterface):
    """Flask-Session, with two corrections.

    Content that is not a dictionary is no session, and a cookie is deleted with the attributes with which it was set.
    """

    def _retrieve_session_data(self, store_id: str) -> dict[str, Any] | None:
        inherited: Any = super()
        content = inherited._retrieve_session_data(store_id)
        return content if isinstance(content, dict) else None

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        inherited: Any = super()
        inherited.save_session(app, session, response)
        if not session and session.modified:
            response.headers.remove("Set-Cookie")
            response.delete_cookie(self.get_cookie_name(app), **self.cookie_attributes(app))


class PublishedFiles(PublishedSessions, CacheLibSessionInterface):
    """The published application's sessions."""

    @classmethod
    def from_settings(cls, app: Flask, settings: Settings) -> "PublishedFiles":
        """The sessions of a deployment, in its session directory."""
        make_directory(settings.session_directory)
        _set_lifetime(app, settings)
        slot = app.extensions["worker_slot"]
        return cls(client=SessionFiles(settings.session_directory, settings.session_threshold, slot))


class PublishedRedis(PublishedSessions, RedisSessionInterface):
    """The sessions of the published advice."""

    @classmethod
    def from_settings(cls, app: Flask, settings: Settings) -> "PublishedRedis":
        """The sessions of a deployment, in its store."""
        store = app.extensions["store"]
        _set_lifetime(app, settings)
        sessions = cls(app, store.client, key_prefix=f"{store.prefix}session:")
        sessions.serializer = TolerantSerializer(app, "msgpack")
        return sessions


class TolerantSerializer(MsgSpecSerializer):
    """Flask-Session's own; content that it cannot read is no session, instead of an error of the server."""

    def decode(self, serialized_data: bytes) -> Any:
        try:
            return super().decode(serialized_data)
        except Exception:  # pickle.loads may raise anything
            return None


def make_directory(path: str) -> None:
    """Create the folder of the sessions' files if it does not exist. Raises `SettingsError` if that fails."""
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"session_directory {path}: {error.strerror}") from None


def _set_lifetime(app: Flask, settings: Settings) -> None:
    app.config.update(PERMANENT_SESSION_LIFETIME=timedelta(seconds=settings.session_lifetime_s))
