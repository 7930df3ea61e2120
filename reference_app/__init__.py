"""The reference TraceTrack: a small, real application whose every performance choice is a setting."""

import threading

from dogpile.util import NameRegistry
from flask import Flask

from . import (
    bodies,
    caches,
    dashboard,
    database,
    errors,
    health,
    login,
    logs,
    metrics,
    openapi,
    origin,
    passwords,
    readings,
    scans,
    search,
    sessions,
    store,
    throttle,
    timing,
)
from .settings import Settings

# What holds connections, threads, locks or a slot of its own, in the order in which one needs the other.
PARTS = (readings, database, store, caches, passwords, throttle, sessions)


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
    readings.count_requests(app)
    logs.init_app(app)
    bodies.init_app(app)
    for part in PARTS:
        part.init_app(app, settings)
    errors.init_app(app)
    origin.init_app(app)
    for part in (login, dashboard, search, scans, health, metrics, openapi):
        app.register_blueprint(part.blueprint)
    timing.init_app(app, settings)
    return app


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
    for part in PARTS:
        part.init_app(app, app.settings)


def warm_up(app: Flask) -> None:
    """Do before the first request what it would have to do: open connections, and hash once in each place.

    Answers are not made in advance: the caches stay empty. Raises what SQLAlchemy raises without its database.
    """
    with app.app_context():
        database.warm_up(app.extensions["engine"], login.ACCOUNT, username="")
        passwords.warm_up()
        if app.extensions["store"]:
            app.extensions["store"].is_there()
