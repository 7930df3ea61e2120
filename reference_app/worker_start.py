"""What a server of the application does beside serving: before its workers start, in each of them, and at its end.

Every kind of server calls these functions at its own points: gunicorn by the hooks of `gunicorn_conf`, Granian by
`granian_server`.
"""

import logging
import os
import sys
import tempfile
import time
from pathlib import Path

import psycopg2
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

import reference_app
from instrumentation.monitor_file import MonitorFile, companion
from instrumentation.worker_metrics import MetricsFileError, Slot, WorkerMetrics

from . import connection_budget, schema_parts
from .counters import COUNTERS
from .monitor_start import start_monitor
from .sessions.session_files import make_directory
from .settings import Settings, SettingsError

BIND = "TRACETRACK_BIND"
START_SIGNAL, SIGNAL_INTERVAL_S = "TRACETRACK_START_SIGNAL", 0.005
METRICS_FILE, CREATED_METRICS_FILE = "TRACETRACK_READINGS_FILE", "TRACETRACK_OWN_READINGS"


def startable_settings() -> Settings:
    """The settings of the environment; ends the process with one line where a server must not start with them."""
    try:
        settings = Settings.from_env()
        settings.require_startable()
        if settings.sessions == "filesystem":
            make_directory(settings.session_directory)
        if not os.environ.get(BIND):
            raise SettingsError(f"{BIND} is not set; it looks like 127.0.0.1:8000")
    except SettingsError as error:
        sys.exit(f"not started: {error}")
    return settings


def prepare(settings: Settings, log: logging.Logger) -> None:
    """Wait for the start signal, refuse a deployment that cannot work, and create the file of the workers' metrics.

    An unreachable database only gives a warning. A refusal ends the process with one line.
    """
    _wait_for_start_signal()
    try:
        connection_budget.require_budget(settings)
    except connection_budget.BudgetError as error:
        sys.exit(f"over the connection budget: {error}")
    except psycopg2.OperationalError as error:
        log.warning("the connection budget was not checked: %s", str(error).strip().splitlines()[0])
    _require_session_table(settings, log)
    _prepare_metrics_file(settings)
    if settings.monitor:
        start_monitor(settings, os.environ[METRICS_FILE], log)


def _require_session_table(settings: Settings, log: logging.Logger) -> None:
    try:
        schema_parts.require_session_table(settings)
    except schema_parts.MissingPartError as error:
        sys.exit(f"not started: {error}")
    except psycopg2.OperationalError as error:
        log.warning("the table of sessions was not checked: %s", str(error).strip().splitlines()[0])


def _wait_for_start_signal() -> None:
    """Wait for the file that says that the database is there, if one is named; the imports are done by then."""
    path = os.environ.get(START_SIGNAL)
    while path and not os.path.exists(path):
        time.sleep(SIGNAL_INTERVAL_S)


def _prepare_metrics_file(settings: Settings) -> None:
    """Create the file of the workers' metrics, or check the one that the settings name."""
    try:
        if settings.readings_file:
            WorkerMetrics.open(Path(settings.readings_file), COUNTERS)
            return
        descriptor, path = tempfile.mkstemp(prefix="tracetrack-readings-")
        os.close(descriptor)
        WorkerMetrics.create(Path(path), settings.workers, COUNTERS)
    except (MetricsFileError, OSError) as error:
        sys.exit(f"not started: {METRICS_FILE}: {error}")
    os.environ[METRICS_FILE] = os.environ[CREATED_METRICS_FILE] = path


def remove_metrics_file() -> None:
    """Remove the metrics file if this server created it."""
    if path := os.environ.get(CREATED_METRICS_FILE):
        Path(path).unlink(missing_ok=True)
        companion(path).unlink(missing_ok=True)


def make_ready(app: Flask, settings: Settings, worker: int, log: logging.Logger) -> None:
    """Warm a worker up before its first request, and count it as ready.

    Without its database it connects when a request needs it.
    """
    if settings.warm_up:
        try:
            reference_app.warm_up(app)
        except SQLAlchemyError as error:
            log.warning("not warmed up: %s", str(error).splitlines()[0])
    slot_of(worker).count("ready")


def set_cpu_affinity(settings: Settings, worker: int) -> None:
    """Bind this process, with all of its threads, to one core if the setting `cpu_affinity` is on.

    Threads of one interpreter take turns at its lock; a turn that passes to another core costs more CPU. Nothing
    happens with fewer workers than cores, or on a system other than Linux.
    """
    if not settings.cpu_affinity or sys.platform != "linux":
        return
    cores = sorted(os.sched_getaffinity(0))
    if settings.workers >= len(cores):
        for thread in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(thread), {cores[worker % len(cores)]})


def clear_slot(worker: int) -> None:
    """Clear the slot of a worker that has ended, and what the monitor shows of it."""
    slot_of(worker).clear()
    monitor_file = companion(os.environ[METRICS_FILE])
    if monitor_file.exists():
        MonitorFile.open(monitor_file).clear(worker)


def slot_of(worker: int) -> Slot:
    """The worker's slot in the metrics file; a private one where there are more workers than slots."""
    metrics = WorkerMetrics.open(Path(os.environ[METRICS_FILE]), COUNTERS)
    return metrics.slot(worker) if worker < metrics.slots else WorkerMetrics.private(COUNTERS).slot(0)
