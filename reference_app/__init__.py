"""The reference TraceTrack: a small, real application whose every performance choice is a setting."""

from flask import Flask

from . import (
    caches,
    dashboard,
    database,
    errors,
    health,
    login,
    logs,
    metrics,
    openapi,
    passwords,
    scans,
    search,
    sessions,
)
from .settings import Settings
from .timing import TimedApplication


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application of one deployment; without settings they come from the environment."""
    settings = settings or Settings.from_env()
    app = Flask(__name__)
    app.settings = settings
    app.config.update(SECRET_KEY=settings.secret_key, MAX_CONTENT_LENGTH=64 * 1024)
    app.json.sort_keys = False
    logs.init_app(app)
    for part in (database, caches, passwords, sessions):
        part.init_app(app, settings)
    errors.init_app(app)
    for part in (login, dashboard, search, scans, health, metrics, openapi):
        app.register_blueprint(part.blueprint)
    app.wsgi_app = TimedApplication(app.wsgi_app)
    return app
