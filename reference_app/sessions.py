"""Who is logged in: sessions in files (the published set-up) or in a signed cookie, timed either way."""

from datetime import timedelta

from cachelib.file import FileSystemCache
from flask import Flask
from flask.sessions import SessionInterface
from flask_session import Session

from . import timing
from .settings import Settings, SettingsError


class TimedSessions(SessionInterface):
    """Any session interface, with its reading and writing booked as `session`."""

    def __init__(self, inner: SessionInterface):
        self._inner = inner

    def open_session(self, app, request):
        with timing.part("session"):
            return self._inner.open_session(app, request)

    def save_session(self, app, session, response):
        with timing.part("session"):
            self._inner.save_session(app, session, response)

    def is_null_session(self, obj):
        return self._inner.is_null_session(obj)

    def renew(self, session) -> None:
        """Begin an empty session under a new id, so that an id from before the login is worth nothing."""
        if hasattr(self._inner, "regenerate"):
            self._inner.regenerate(session)
        session.clear()


def init_app(app: Flask, settings: Settings) -> None:
    app.config.update(
        PERMANENT_SESSION_LIFETIME=timedelta(seconds=settings.session_lifetime_s),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    if settings.sessions == "filesystem":
        if not settings.session_directory:
            raise SettingsError("sessions is filesystem; then session_directory must name a folder")
        store = FileSystemCache(settings.session_directory, threshold=settings.session_threshold)
        app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=store)
        Session(app)
    app.session_interface = TimedSessions(app.session_interface)
