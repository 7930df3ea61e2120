"""How gunicorn serves a deployment; it reads the same settings as the application."""

import os

from reference_app.settings import Settings

_settings = Settings.from_env()

wsgi_app = "reference_app:create_app()"
bind = os.environ["TRACETRACK_BIND"]
worker_class = _settings.server
workers = _settings.workers
threads = _settings.threads
# A single worker may owe a long queue; only a worker that hangs is to be ended.
timeout = 120
graceful_timeout = 3
keepalive = 75
loglevel = "warning"
control_socket_disable = True


def pre_fork(server, worker):
    """Give the worker the lowest free number, so that a restarted one takes the place of the ended one."""
    taken = {other.number for other in server.WORKERS.values()}
    worker.number = next(number for number in range(len(taken) + 1) if number not in taken)


def post_fork(server, worker):
    os.environ["TRACETRACK_WORKER"] = str(worker.number)
