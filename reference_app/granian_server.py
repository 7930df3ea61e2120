"""Granian serves a deployment, from the same settings as gunicorn would: `python -m reference_app.granian_server`.

It reads HTTP in Rust, and hands each request to a thread of Python. Each worker has a listening socket of its own; the
kernel spreads the connections over them (`SO_REUSEPORT`). An argument names another WSGI application, in gunicorn's
notation: `module:create_app()`.
"""

import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer, WorkerProcess
from gunicorn.util import import_app

from . import worker_start
from .settings import Settings
from .worker_number import assign_worker_number

APPLICATION = "reference_app:create_app()"
GRACEFUL_TIMEOUT_S, KEEPALIVE_MS = 3, 75_000  # as gunicorn's
BACKLOG = 2048
PR_SET_PDEATHSIG = 1
log = logging.getLogger("granian")


class Server(MPServer):
    """Granian's server with a number for each worker, which a worker keeps that replaces an ended one."""

    def _spawn_worker(  # type: ignore[override]  # the base class declares a parameter that Granian never passes
        self, idx: int, target: Any, callback_loader: Callable[[int, int], Any]
    ) -> WorkerProcess:
        # The last worker at this place may have ended in the middle of a request.
        worker_start.clear_slot(idx)
        loader = partial(callback_loader, idx, os.getpid())
        return super()._spawn_worker(idx=idx, target=target, callback_loader=loader)


def load(application: str, settings: Settings, worker: int, server: int) -> Any:
    """Create the application of a worker, in its process, and make it ready."""
    _end_with(server)
    assign_worker_number(worker)
    worker_start.set_cpu_affinity(settings, worker)
    app: Any = import_app(application)
    worker_start.make_ready(app, settings, worker, log)
    return app


def _end_with(server: int) -> None:
    """Let this process end with the server that started it, also if that is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != server:
        os._exit(1)


def _address() -> dict[str, Any]:
    """Where the server listens: a host and a port, or a Unix socket of which a proxy is the same user."""
    bind = os.environ[worker_start.BIND]
    if bind.startswith("unix:"):
        return {"uds": Path(bind.removeprefix("unix:")), "uds_permissions": 0o600}
    host, _, port = bind.rpartition(":")
    return {"address": host.strip("[]"), "port": int(port)}


def main() -> None:
    """Serve until a signal ends the server. A refusal to start is one line and exit code 1."""
    settings = worker_start.startable_settings()
    worker_start.prepare(settings, log)
    server = Server(
        APPLICATION,
        **_address(),
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=KEEPALIVE_MS),
        workers=settings.workers,
        blocking_threads=settings.threads,
        backpressure=settings.worker_connections,  # connections, idle ones too, and not requests as it says
        backlog=BACKLOG,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACEFUL_TIMEOUT_S,
        log_level=LogLevels.warning,
    )
    application = sys.argv[1] if len(sys.argv) > 1 else APPLICATION
    try:
        server.serve(target_loader=partial(load, application, settings), wrap_loader=False)
    finally:
        worker_start.remove_metrics_file()


if __name__ == "__main__":
    main()
