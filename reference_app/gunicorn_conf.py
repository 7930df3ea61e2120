"""How gunicorn serves a deployment, from the same settings as the application's.

gunicorn runs this file by its path, outside of the package: its imports have to be absolute.
"""

import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
from sqlalchemy.exc import SQLAlchemyError

import reference_app
from instrumentation.monitor import monitor_process
from instrumentation.monitor.access import derive_key
from instrumentation.monitor_file import MonitorFile, companion
from instrumentation.worker_metrics import MetricsFileError, Slot, WorkerMetrics
from reference_app import connection_budget, schema_parts, security_headers
from reference_app.counters import COUNTERS
from reference_app.sessions.session_files import make_directory
from reference_app.settings import Settings, SettingsError
from reference_app.worker_number import assign_worker_number

BIND = "TRACETRACK_BIND"
START_SIGNAL, SIGNAL_INTERVAL_S = "TRACETRACK_START_SIGNAL", 0.005
MONITOR_PORT, COUNTER_PREFIX = "TRACETRACK_MONITOR_PORT", "tracetrack_"
METRICS_FILE, CREATED_METRICS_FILE = "TRACETRACK_READINGS_FILE", "TRACETRACK_OWN_READINGS"

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
# A single worker may have a long queue to answer; only a worker that hangs is to be ended.
timeout = 120
graceful_timeout = 3
keepalive = 75
loglevel = "warning"
control_socket_disable = True
# No header of a request may name a path or a user. A report of TLS counts from a proxy on this host, or one that
# FORWARDED_ALLOW_IPS names.
forwarder_headers = ""
umask = 0o077  # of a Unix socket: a proxy runs as the same user, or connects by TCP

security_headers.init_server()


def on_starting(server: Any) -> None:
    """Refuse a deployment that cannot work before any worker starts; an unreachable database only gives a warning."""
    _wait_for_start_signal()
    try:
        connection_budget.require_budget(_settings)
    except connection_budget.BudgetError as error:
        sys.exit(f"over the connection budget: {error}")
    except psycopg2.OperationalError as error:
        server.log.warning("the connection budget was not checked: %s", str(error).strip().splitlines()[0])
    _require_session_table(server)
    _prepare_metrics_file()
    if _settings.monitor:
        _start_monitor(server)


def _require_session_table(server: Any) -> None:
    try:
        schema_parts.require_session_table(_settings)
    except schema_parts.MissingPartError as error:
        sys.exit(f"not started: {error}")
    except psycopg2.OperationalError as error:
        server.log.warning("the table of sessions was not checked: %s", str(error).strip().splitlines()[0])


def _wait_for_start_signal() -> None:
    """Wait for the file that says that the database is there, if one is named; the imports are done by then."""
    path = os.environ.get(START_SIGNAL)
    while path and not os.path.exists(path):
        time.sleep(SIGNAL_INTERVAL_S)


def _prepare_metrics_file() -> None:
    """Create the file of the workers' metrics, or check the one that the settings name."""
    try:
        if _settings.readings_file:
            WorkerMetrics.open(Path(_settings.readings_file), COUNTERS)
            return
        descriptor, path = tempfile.mkstemp(prefix="tracetrack-readings-")
        os.close(descriptor)
        WorkerMetrics.create(Path(path), workers, COUNTERS)
    except (MetricsFileError, OSError) as error:
        sys.exit(f"not started: {METRICS_FILE}: {error}")
    os.environ[METRICS_FILE] = os.environ[CREATED_METRICS_FILE] = path


def _start_monitor(server: Any) -> None:
    """Start the monitor, which ends with this process. Without its port the application is served all the same."""
    metrics_file = os.environ[METRICS_FILE]
    MonitorFile.create(companion(metrics_file), WorkerMetrics.open(Path(metrics_file), COUNTERS).slots)
    try:
        monitor_process.start(
            metrics_file,
            derive_key(_settings.secret_key),
            _settings.monitor_port,
            prefix=COUNTER_PREFIX,
            public_url=_settings.monitor_url,
            while_alive=os.getpid(),
        )
    except monitor_process.MonitorNotStarted as error:
        server.log.warning("no monitor: %s with %s", error, MONITOR_PORT)


def on_exit(server: Any) -> None:
    """Remove the metrics file if this server created it."""
    if path := os.environ.get(CREATED_METRICS_FILE):
        Path(path).unlink(missing_ok=True)
        companion(path).unlink(missing_ok=True)


def pre_fork(server: Any, worker: Any) -> None:
    """Give the worker the lowest free number, so that a restarted one takes the slot of the ended one."""
    used = {other.number for other in server.WORKERS.values()}
    worker.number = next(number for number in range(len(used) + 1) if number not in used)


def post_fork(server: Any, worker: Any) -> None:
    """Make the number known to the application, and renew an application that was loaded before the fork."""
    assign_worker_number(worker.number)
    if preload_app:
        app = server.app.wsgi()
        # Its settings were read before the metrics file was created.
        settings = replace(app.extensions["settings"], readings_file=os.environ[METRICS_FILE])
        reference_app.renew_after_fork(app, settings)


def post_worker_init(worker: Any) -> None:
    """Warm the worker up before its first request; without its database it connects when a request needs it."""
    if _settings.warm_up:
        try:
            reference_app.warm_up(worker.wsgi)
        except SQLAlchemyError as error:
            worker.log.warning("not warmed up: %s", str(error).splitlines()[0])
    _slot(worker).count("ready")


def child_exit(server: Any, worker: Any) -> None:
    """Clear the slot of a worker that has ended."""
    _slot(worker).clear()
    if _settings.monitor:
        MonitorFile.open(companion(os.environ[METRICS_FILE])).clear(worker.number)


def _slot(worker: Any) -> Slot:
    """The worker's slot in the metrics file; a private one where there are more workers than slots."""
    metrics = WorkerMetrics.open(Path(os.environ[METRICS_FILE]), COUNTERS)
    return metrics.slot(worker.number) if worker.number < metrics.slots else WorkerMetrics.private(COUNTERS).slot(0)
