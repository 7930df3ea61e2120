"""The reference TraceTrack: a small, real application whose every performance choice is a setting."""

import threading

from dogpile.util import NameRegistry
from flask import Flask

from instrumentation import prometheus_exporter, server_timing, worker_metrics

from . import (
    caches,
    csrf,
    dashboard,
    database,
    error_responses,
    health,
    login,
    logs,
    openapi,
    passwords,
    request_body,
    scans,
    search,
    sessions,
    store,
    throttle,
)
from .settings import Settings

# What holds connections, threads, locks or a slot of its own, in the order in which one needs the other.
PARTS = (database, store, caches, passwords, throttle, sessions)


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application of one deployment; without settings they come from the environment.

    Raises `SettingsError` for what it must not be started with.
    """
    settings = settings or Settings.from_env()
    settings.require_startable()
    app = Flask(__name__)
    app.settings = settings
    app.config.update(SECRET_KEY=settings.secret_key)
    app.json.sort_keys = False
    worker_metrics.count_requests(app)
    logs.init_app(app)
    request_body.init_app(app)
    _init_parts(app)
    error_responses.init_app(app)
    csrf.init_app(app)
    for part in (login, dashboard, search, scans, health, prometheus_exporter, openapi):
        app.register_blueprint(part.blueprint)
    if settings.server_timing:
        server_timing.init_app(app)
    return app


def _init_parts(app):
    worker_metrics.init_app(app, app.settings.readings_file)
    for part in PARTS:
        part.init_app(app, app.settings)


def renew_after_fork(app: Flask) -> None:
    """In a process that was forked from one with the application: nothing of the parent's is used by two.

    The parent's connections are let go of without a word to the other end, whose other end they still are.
    """
    app.extensions["engine"].dispose(close=False)
    if app.extensions["store"]:
        app.extensions["store"].leave_to_parent()
    # Locks of libraries, which a thread that is not in this process may have held.
    app.jinja_env.cache = app.jinja_env.cache.copy()
    NameRegistry._mutex = threading.RLock()
    _init_parts(app)


def warm_up(app: Flask) -> None:
    """Do before the first request what it would have to do: open connections, and hash once in each place.

    Answers are not made in advance: the caches stay empty. Raises what SQLAlchemy raises without its database.
    """
    with app.app_context():
        database.warm_up(app.extensions["engine"], login.ACCOUNT, username="")
        passwords.warm_up()
        if app.extensions["store"]:
            app.extensions["store"].is_there()
