"""Who is logged in: sessions in files (the published set-up), in the shared store, or in a signed cookie.

`filesystem` and `flask-session-redis` are Flask-Session, as the published application and its advice have it; `shared`
and `cookie` are ours, in JSON. Whichever it is, its time is booked as `session`, and where it cannot be kept or read
the answer is 503: nobody is told that they are logged in when they are not, or the other way round.
"""

from flask import Flask

from ..settings import Settings
from .cookie import CookieSessions
from .flask_sessions import PublishedFiles, PublishedRedis
from .shared import SharedSessions
from .timed import TimedSessions

KINDS = {
    "filesystem": PublishedFiles.of,
    "flask-session-redis": PublishedRedis.of,
    "shared": SharedSessions.of,
    "cookie": CookieSessions.of,
}


def init_app(app: Flask, settings: Settings) -> None:
    app.config.update(SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax")
    app.session_interface = TimedSessions(KINDS[settings.sessions](app, settings))
