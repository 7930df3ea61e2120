"""Sessions of users who are logged in: in files (the published set-up), a store, the database, or a signed cookie.

`filesystem` and `flask-session-redis` are Flask-Session, as the published application and its advice use it; `shared`,
`database` and `cookie` are the workbench's own, in JSON. Of each kind the time is booked as `session`, and a session
that cannot be read or written gives a 503: a user who is logged in never appears to be logged out, or the reverse.
"""

from collections.abc import Callable

from flask import Flask
from flask.sessions import SessionInterface

from ..settings import Settings
from .cookie_sessions import CookieSessions
from .database_sessions import DatabaseSessions
from .flask_sessions import PublishedFiles, PublishedRedis
from .shared_sessions import SharedSessions
from .timed_sessions import TimedSessions

SESSION_KINDS: dict[str, Callable[[Flask, Settings], SessionInterface]] = {
    "filesystem": PublishedFiles.from_settings,
    "flask-session-redis": PublishedRedis.from_settings,
    "shared": SharedSessions.from_settings,
    "database": DatabaseSessions.from_settings,
    "cookie": CookieSessions.from_settings,
}


def init_app(app: Flask, settings: Settings) -> None:
    """Let the application keep sessions of the kind that the settings name."""
    app.config.update(SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax")
    app.session_interface = TimedSessions(SESSION_KINDS[settings.sessions](app, settings))
