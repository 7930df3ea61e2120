"""Sessions by Flask-Session, as the published application has them (files) and its advice wants them (Redis)."""

from datetime import timedelta

from cachelib.file import FileSystemCache
from flask import Flask
from flask.sessions import SessionInterface
from flask_session import Session
from flask_session.base import Serializer

from ..readings import Slot
from ..settings import Settings, SettingsError
from ..store import StoreAway


class SessionFiles(FileSystemCache):
    """cachelib's files. Above the threshold it removes the sessions that would end first, living ones too: counted.

    What cannot be written raises `StoreAway`, and what is not permitted is not tried for ten seconds.
    """

    def __init__(self, directory: str, threshold: int, slot: Slot):
        self._slot = slot
        super().__init__(directory, threshold=threshold)

    def set(self, key, value, timeout=None, mgmt_element=False):
        if not super().set(key, value, timeout, mgmt_element) and not mgmt_element:
            raise StoreAway("the session's file could not be written")
        return True

    def _remove_older(self):
        before = self._file_count
        done = super()._remove_older()
        self._slot.count("session_evictions", max(0, before - self._file_count))
        return done

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
        return content if isinstance(content, dict) else None


def file_sessions(app: Flask, settings: Settings) -> SessionInterface:
    if not settings.session_directory:
        raise SettingsError("sessions is filesystem; then session_directory must name a folder")
    try:
        files = SessionFiles(settings.session_directory, settings.session_threshold, app.extensions["slot"])
    except OSError as error:
        raise SettingsError(f"session_directory {settings.session_directory}: {error.strerror}") from None
    return _flask_session(app, settings, SESSION_TYPE="cachelib", SESSION_CACHELIB=files)


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
    return app.session_interface
