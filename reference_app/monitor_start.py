"""Starting the monitor of a deployment, a process beside its server."""

import logging
import os
from pathlib import Path

from instrumentation.monitor import monitor_process
from instrumentation.monitor.access import derive_key
from instrumentation.monitor_file import MonitorFile, companion
from instrumentation.worker_metrics import WorkerMetrics

from .counters import COUNTERS
from .session_store import countable_sessions
from .settings import Settings

MONITOR_PORT, COUNTER_PREFIX = "TRACETRACK_MONITOR_PORT", "tracetrack_"


def start_monitor(settings: Settings, metrics_file: str, log: logging.Logger) -> None:
    """Start the monitor, which ends with this process. Without its port the application is served all the same."""
    MonitorFile.create(companion(metrics_file), WorkerMetrics.open(Path(metrics_file), COUNTERS).slots)
    try:
        monitor_process.start(
            metrics_file,
            derive_key(settings.secret_key),
            settings.monitor_port,
            prefix=COUNTER_PREFIX,
            public_url=settings.monitor_url,
            while_alive=os.getpid(),
            sessions=countable_sessions(settings),
        )
    except monitor_process.MonitorNotStarted as error:
        log.warning("no monitor: %s with %s", error, MONITOR_PORT)
