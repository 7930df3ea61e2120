"""How gunicorn serves a deployment; it reads the same settings as the application."""

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import psycopg2
from sqlalchemy.exc import SQLAlchemyError

import reference_app
from instrumentation.worker_metrics import Readings

from . import connection_budget
from .sessions.flask_sessions import make_directory
from .settings import Settings, SettingsError

BIND = "TRACETRACK_BIND"
READINGS_FILE, OWN_READINGS = "TRACETRACK_READINGS_FILE", "TRACETRACK_OWN_READINGS"

try:
    _settings = Settings.from_env()
    _settings.require_startable()
    if _settings.sessions == "filesystem":
        make_directory(_settings.session_directory)
    if not os.environ.get(BIND):
        raise SettingsError(f"{BIND} is not set; it looks like 127.0.0.1:8000")
except SettingsError as error:
    sys.exit(f"not started: {error}")

wsgi_app = "reference_app:create_app()"
bind = os.environ[BIND]
worker_class = _settings.server
workers = _settings.workers
threads = _settings.threads
worker_connections = _settings.worker_connections
preload_app = _settings.preload
# A single worker may owe a long queue; only a worker that hangs is to be ended.
timeout = 120
graceful_timeout = 3
keepalive = 75
loglevel = "warning"
control_socket_disable = True


def on_starting(server):
    """Refuse what cannot work before a worker is there; a database that does not answer yet is no reason to."""
    try:
        connection_budget.require(_settings)
    except connection_budget.BudgetError as error:
        sys.exit(f"over the connection budget: {error}")
    except psycopg2.OperationalError as error:
        server.log.warning("the connection budget was not checked: %s", str(error).strip().splitlines()[0])

    if not _settings.readings_file:
        descriptor, path = tempfile.mkstemp(prefix="tracetrack-readings-")
        os.close(descriptor)
        Readings.create(Path(path), workers)
        os.environ[READINGS_FILE] = os.environ[OWN_READINGS] = path


def on_exit(server):
    """The file that we made goes with us; one that was given is somebody else's."""
    if path := os.environ.get(OWN_READINGS):
        Path(path).unlink(missing_ok=True)


def pre_fork(server, worker):
    """Give the worker the lowest free number, so that a restarted one takes the place of the ended one."""
    taken = {other.number for other in server.WORKERS.values()}
    worker.number = next(number for number in range(len(taken) + 1) if number not in taken)


def post_fork(server, worker):
    os.environ["TRACETRACK_WORKER"] = str(worker.number)
    if preload_app:
        app = server.app.wsgi()
        # It was made before the file was.
        app.settings = replace(app.settings, readings_file=os.environ[READINGS_FILE])
        reference_app.renew_after_fork(app)


def post_worker_init(worker):
    """Before the first request; a database that is not there yet will be asked again by whoever needs it."""
    if _settings.warm_up:
        try:
            reference_app.warm_up(worker.wsgi)
        except SQLAlchemyError as error:
            worker.log.warning("not warmed up: %s", str(error).splitlines()[0])
    _slot(worker).count("ready")


def child_exit(server, worker):
    """A worker that has ended has no pool any more."""
    _slot(worker).clear()


def _slot(worker):
    """Its place among the readings; one of its own where there are more workers than places."""
    readings = Readings.open(Path(os.environ[READINGS_FILE]))
    return readings.slot(worker.number) if worker.number < readings.slots else Readings.private().slot(0)
