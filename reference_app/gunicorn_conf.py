"""How gunicorn serves a deployment, from the same settings as the application's.

gunicorn runs this file by its path, outside of the package: its imports have to be absolute.
"""

import gc
import os
from dataclasses import replace
from typing import Any

import reference_app
from reference_app import even_worker, security_headers, worker_start
from reference_app.worker_number import assign_worker_number

_settings = worker_start.startable_settings()

_in_loop = _settings.server == "uvicorn"
wsgi_app = "reference_app.asynchronous:create_app()" if _in_loop else "reference_app:create_app()"
bind = os.environ[worker_start.BIND]
worker_class: str = "reference_app.uvicorn_worker.UvicornWorker" if _in_loop else _settings.server
if _settings.even_connections:
    worker_class = f"{even_worker.__name__}.EvenWorker"
    even_worker.EvenWorker.open_connections = even_worker.OpenConnections(_settings.workers)
workers = _settings.workers
threads = _settings.threads
worker_connections = _settings.worker_connections
preload_app = _settings.preload
# It counts from a worker's first report, which comes after its imports and its warm-up.
timeout = _settings.worker_timeout_s
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
    worker_start.prepare(_settings, server.log)


def on_exit(server: Any) -> None:
    """Remove the metrics file if this server created it."""
    worker_start.remove_metrics_file()


def pre_fork(server: Any, worker: Any) -> None:
    """Give the worker the lowest free number, so that a restarted one takes the slot of the ended one."""
    used = {other.number for other in server.WORKERS.values()}
    worker.number = next(number for number in range(len(used) + 1) if number not in used)
    if preload_app:
        # A collection of garbage writes to every object that it looks at, and each page written to is a copy.
        gc.freeze()


def post_fork(server: Any, worker: Any) -> None:
    """Make the number known to the application, and renew an application that was loaded before the fork."""
    assign_worker_number(worker.number)
    worker_start.set_cpu_affinity(_settings, worker.number)
    if preload_app:
        app = server.app.wsgi()
        # Its settings were read before the metrics file was created.
        settings = replace(app.extensions["settings"], readings_file=os.environ[worker_start.METRICS_FILE])
        reference_app.renew_after_fork(app, settings)


def post_worker_init(worker: Any) -> None:
    """Warm the worker up before its first request; without its database it connects when a request needs it."""
    if not _in_loop:  # where the application does so itself, once its loop runs
        worker_start.make_ready(worker.wsgi, _settings, worker.number, worker.log)


def child_exit(server: Any, worker: Any) -> None:
    """Clear the slot of a worker that has ended."""
    worker_start.clear_slot(worker.number)
    if _settings.even_connections:
        even_worker.EvenWorker.open_connections.clear(worker.number)
