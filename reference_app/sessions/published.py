"""Sessions by Flask-Session, as the published application has them (files) and its advice wants them (Redis)."""

import os
import threading
from datetime import timedelta

from cachelib.file import FileSystemCache
from flask import Flask, Response
from flask.sessions import SessionInterface, SessionMixin
from flask_session import Session
from flask_session.base import Serializer

from ..readings import Slot
from ..settings import Settings, SettingsError
from ..store import StoreAway
from .json_session import cookie_attributes


class SessionFiles(FileSystemCache):
    """cachelib's files. Above the threshold it removes the sessions that would end first, living ones too: counted.

    What cannot be written or removed raises `StoreAway`, and what is not permitted is not tried for ten seconds. A
    damaged file is no session.
    """

    def __init__(self, directory: str, threshold: int, slot: Slot):
        self._slot = slot
        self._evicting = threading.local()
        super().__init__(directory, threshold=threshold)

    def get(self, key):
        try:
            return super().get(key)
        except StoreAway:
            raise
        except Exception:  # it ends in pickle.load, which raises what it likes
            return None

    def set(self, key, value, timeout=None, mgmt_element=False):
        if not super().set(key, value, timeout, mgmt_element) and not mgmt_element:
            raise StoreAway("the session's file could not be written")
        return True

    def delete(self, key, mgmt_element=False):
        if not super().delete(key, mgmt_element):
            raise StoreAway("the session's file could not be removed")
        return True

    def _remove_older(self):
        self._evicting.now = True
        try:
            return super()._remove_older()
        finally:
            self._evicting.now = False

    def _update_count(self, delta=None, value=None):
        """cachelib's count of files is shared with the other workers: only its steps tell what this one removed."""
        if delta == -1 and getattr(self._evicting, "now", False):
            self._slot.count("session_evictions")
        super()._update_count(delta, value)

    def _run_safely(self, fn, *arguments, **named):
        try:
            return fn(*arguments, **named)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StoreAway(f"the session's file: {error.strerror}") from error


class Unpickler:
    """Flask-Session's serializer; what it cannot read is no session, and no error of the server."""

    def __init__(self, inner: Serializer):
        self.encode = inner.encode
        self._decode = inner.decode

    def decode(self, stored: bytes) -> dict | None:
        try:
            content = self._decode(stored)
        except Exception:  # it ends in pickle.loads, which raises what it likes
            return None
        return _session_or_none(content)


def _session_or_none(content):
    return content if isinstance(content, dict) else None


def make_directory(path: str) -> None:
    """The folder of the sessions' files, where it is not there yet. Raises `SettingsError` for one that cannot be."""
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"session_directory {path}: {error.strerror}") from None


def file_sessions(app: Flask, settings: Settings) -> SessionInterface:
    make_directory(settings.session_directory)
    files = SessionFiles(settings.session_directory, settings.session_threshold, app.extensions["slot"])
    sessions = _flask_session(app, settings, SESSION_TYPE="cachelib", SESSION_CACHELIB=files)
    read = sessions._retrieve_session_data
    sessions._retrieve_session_data = lambda store_id: _session_or_none(read(store_id))
    return sessions


def redis_sessions(app: Flask, settings: Settings) -> SessionInterface:
    store = app.extensions["store"]
    prefix = f"{store.prefix}session:"
    sessions = _flask_session(
        app, settings, SESSION_TYPE="redis", SESSION_REDIS=store.client, SESSION_KEY_PREFIX=prefix
    )
    sessions.serializer = Unpickler(sessions.serializer)
    return sessions


def _flask_session(app, settings, **config):
    app.config.update(PERMANENT_SESSION_LIFETIME=timedelta(seconds=settings.session_lifetime_s), **config)
    Session(app)
    sessions = app.session_interface
    save = sessions.save_session

    def save_session(app: Flask, session: SessionMixin, response: Response) -> None:
        """Flask-Session deletes a cookie with other attributes than it set it with."""
        save(app, session, response)
        if not session and session.modified:
            response.headers.remove("Set-Cookie")
            response.delete_cookie(sessions.get_cookie_name(app), **cookie_attributes(sessions, app))

    sessions.save_session = save_session
    return sessions
