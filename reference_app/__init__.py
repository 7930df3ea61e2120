"""The reference TraceTrack: a small, real application whose every performance choice is a setting."""

import threading
from typing import Any

from dogpile.util import NameRegistry
from flask import Flask
from flask.json.provider import DefaultJSONProvider

from instrumentation import prometheus_exporter, recorded_wsgi, server_timing, worker_metrics

from . import (
    admission,
    caches,
    counters,
    csrf,
    dashboard,
    database,
    error_responses,
    hash_executor,
    hash_kinds,
    health,
    login,
    logs,
    monitor_entry,
    openapi,
    passwords,
    request_body,
    scans,
    search,
    security_headers,
    sessions,
    shipments,
    store,
    throttle,
    upstream,
    warm_up_requests,
)
from .settings import Settings
from .worker_number import worker_number

# Each has connections, threads, locks or counters that a forked process must create anew. Later ones need earlier ones.
COMPONENTS = (monitor_entry, database, store, caches, hash_executor, hash_kinds, throttle, sessions, upstream)
VIEWS = (login, dashboard, search, scans, shipments, health, openapi)


class UnsortedJSON(DefaultJSONProvider):
    """JSON objects with their keys in the order of the code."""

    sort_keys = False


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application of one deployment; without settings they are read from the environment.

    Raises `SettingsError` for settings with which it must not start.
    """
    settings = startable(settings)
    app = Flask(__name__)
    request_body.init_app(app)
    admission.init_app(app, settings)  # within what times, records and secures all responses
    build(app, settings)
    if is_timed(settings):
        server_timing.init_app(app, worker_number, timed_token(settings))
    security_headers.init_app(app)
    return app


def startable(settings: Settings | None) -> Settings:
    """These settings, or those of the environment. Raises `SettingsError` if they forbid a start."""
    settings = settings or Settings.from_env()
    settings.require_startable()
    return settings


def build(app: Flask, settings: Settings) -> None:
    """Give an application of Flask, or of Quart, all that the two have in common."""
    app.json = UnsortedJSON(app)
    app.config.update(SECRET_KEY=settings.secret_key)
    app.extensions["settings"] = settings
    worker_metrics.count_requests(app)
    logs.init_app(app)
    _init_components(app, settings)
    error_responses.init_app(app)
    csrf.init_app(app)
    for view in VIEWS:
        app.register_blueprint(view.blueprint)
    _init_metrics(app, settings)


def is_timed(settings: Settings) -> bool:
    """True if requests can be timed: those of a run, or all."""
    return settings.server_timing and bool(settings.run_token or settings.server_timing_for_all)


def timed_token(settings: Settings) -> str | None:
    """The token of the requests that are timed; None if all are."""
    return None if settings.server_timing_for_all else settings.run_token


def _init_metrics(app: Flask, settings: Settings) -> None:
    """Let the monitor have the metrics, where there is one; else the application shows them itself."""
    if settings.monitor:
        app.register_blueprint(monitor_entry.blueprint)
        recorded_wsgi.init_app(app)
    else:
        app.register_blueprint(prometheus_exporter.create_blueprint(counters.metric_families))


def _init_components(app: Flask, settings: Settings) -> None:
    worker = worker_number() if settings.readings_file else 0
    worker_metrics.init_app(app, settings.readings_file, worker, counters.COUNTERS)
    for component in COMPONENTS:
        component.init_app(app, settings)


def renew_after_fork(app: Flask, settings: Settings) -> None:
    """Replace all that a forked process must not share with its parent; `settings` are the child's.

    The parent's connections are dropped without a message to the server, as the parent still uses them.
    """
    app.extensions["engine"].dispose(close=False)
    if app.extensions["store"]:
        app.extensions["store"].abandon_after_fork()
    # Locks of libraries, which a thread of the parent may have held at the fork.
    templates: Any = app.jinja_env.cache
    app.jinja_env.cache = templates.copy()
    NameRegistry._mutex = threading.RLock()
    app.extensions["settings"] = settings
    _init_components(app, settings)


def warm_up(app: Flask) -> None:
    """Do before the first request the work that it would otherwise wait for.

    Connections are opened, hashes computed, and the code runs that requests have in common. The caches stay empty.
    Raises SQLAlchemy's errors if the database is not available.
    """
    with app.app_context():
        warm_up_in_context(app)
    warm_up_requests.send(app)


def warm_up_in_context(app: Flask) -> None:
    """The part of `warm_up` that needs a context of the application, and sends no requests."""
    reads = login.warm_up, dashboard.warm_up, search.warm_up
    warm_up_requests.open_connections(app.extensions["engine"], *reads)
    passwords.warm_up()
    if app.extensions["store"]:
        app.extensions["store"].is_available()
