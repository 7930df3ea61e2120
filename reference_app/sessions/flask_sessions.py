"""Sessions by Flask-Session, as the published application has them (files) and its advice wants them (Redis)."""

import os
import threading
from datetime import timedelta

from cachelib.file import FileSystemCache
from flask import Flask, Response
from flask.sessions import SessionMixin
from flask_session.base import MsgSpecSerializer, ServerSideSessionInterface
from flask_session.cachelib import CacheLibSessionInterface
from flask_session.redis import RedisSessionInterface

from instrumentation.worker_metrics import Slot

from ..settings import Settings, SettingsError
from ..store import StoreAway
from .attributes import OwnAttributes


class SessionFiles(FileSystemCache):
    """cachelib's files. Above the threshold each write removes the sessions that would end first, living ones too.

    Those are counted, but for the one that is being written, which is there again.

    What cannot be written or removed raises `StoreAway`, and what is not permitted is not tried for ten seconds. A
    damaged file is no session.
    """

    def __init__(self, directory: str, threshold: int, slot: Slot):
        self._slot = slot
        self._now = threading.local()
        super().__init__(directory, threshold=threshold)

    def get(self, key):
        try:
            return super().get(key)
        except StoreAway:
            raise
        except Exception:  # it ends in pickle.load, which raises what it likes
            return None

    def set(self, key, value, timeout=None, mgmt_element=False):
        if mgmt_element:
            return super().set(key, value, timeout, mgmt_element)
        self._now.writing = self._get_filename(key)
        if not super().set(key, value, timeout):
            raise StoreAway("the session's file could not be written")
        return True

    def delete(self, key, mgmt_element=False):
        if not super().delete(key, mgmt_element):
            raise StoreAway("the session's file could not be removed")
        return True

    def _remove_older(self):
        """cachelib's count of files is shared with the other workers: only its steps tell what this one removed."""
        was_there = os.path.exists(self._now.writing)
        self._now.removed = 0
        try:
            return super()._remove_older()
        finally:
            removed, self._now.removed = self._now.removed, None
            comes_again = was_there and not os.path.exists(self._now.writing)
            self._slot.count("session_evictions", removed - comes_again)

    def _update_count(self, delta=None, value=None):
        if delta == -1 and getattr(self._now, "removed", None) is not None:
            self._now.removed += 1
        super()._update_count(delta, value)

    def _run_safely(self, fn, *arguments, **named):
        try:
            return fn(*arguments, **named)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise StoreAway(f"the session's file: {error.strerror}") from error


class Published(OwnAttributes, ServerSideSessionInterface):
    """Flask-Session, with content that is no dictionary taken for no session.

    It deletes a cookie with other attributes than it set it with, which is made up for here.
    """

    def _retrieve_session_data(self, store_id: str) -> dict | None:
        content = super()._retrieve_session_data(store_id)
        return content if isinstance(content, dict) else None

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        super().save_session(app, session, response)
        if not session and session.modified:
            response.headers.remove("Set-Cookie")
            response.delete_cookie(self.get_cookie_name(app), **self.cookie_attributes(app))


class PublishedFiles(Published, CacheLibSessionInterface):
    """As the published application has them."""

    @classmethod
    def of(cls, app: Flask, settings: Settings) -> "PublishedFiles":
        make_directory(settings.session_directory)
        _let_live(app, settings)
        return cls(client=SessionFiles(settings.session_directory, settings.session_threshold, app.extensions["slot"]))


class PublishedRedis(Published, RedisSessionInterface):
    """As the published advice wants them."""

    @classmethod
    def of(cls, app: Flask, settings: Settings) -> "PublishedRedis":
        store = app.extensions["store"]
        _let_live(app, settings)
        sessions = cls(app, store.client, key_prefix=f"{store.prefix}session:")
        sessions.serializer = Serializer(app, "msgpack")
        return sessions


class Serializer(MsgSpecSerializer):
    """Flask-Session's own; what it cannot read is no session, and no error of the server."""

    def decode(self, serialized_data: bytes) -> dict | None:
        try:
            return super().decode(serialized_data)
        except Exception:  # it ends in pickle.loads, which raises what it likes
            return None


def make_directory(path: str) -> None:
    """The folder of the sessions' files, where it is not there yet. Raises `SettingsError` for one that cannot be."""
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"session_directory {path}: {error.strerror}") from None


def _let_live(app, settings):
    app.config.update(PERMANENT_SESSION_LIFETIME=timedelta(seconds=settings.session_lifetime_s))
