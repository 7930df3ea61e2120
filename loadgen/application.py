"""The application of a run: gunicorn with the settings of one deployment, started and healthy."""

import json
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from instrumentation.worker_metrics import WorkerMetrics
from reference_app.counters import COUNTERS
from reference_app.settings import Settings
from workbench.errors import UserError
from workbench.paths import REPOSITORY
from workbench.polling import attempts

from .services import free_port
from .subprocesses import Child, start

HEALTHY_TIMEOUT_S = READY_TIMEOUT_S = 30.0
CONFIGURATION = REPOSITORY / "reference_app" / "gunicorn_conf.py"


class StartError(UserError):
    """The application did not become healthy; `reason` is the error that it reported."""

    def __init__(self, reason: str, log: Path):
        super().__init__(f"the application did not become healthy: {reason}\nIts log is {log}")
        self.reason = reason


@dataclass(frozen=True)
class Application:
    """A running application: its master process, its URL, and its answer to `/health`."""

    child: Child
    url: str
    health: dict


@contextmanager
def serve(settings: Settings, log: Path, port: int | None = None, wsgi_app: str = "") -> Iterator[Application]:
    """Run the application for the block; `port` None takes a free one.

    Raises `StartError` if it is not healthy in time.
    With a file for the workers' metrics (`settings.readings_file`) all of the workers are ready when the block starts.

    `wsgi_app` replaces the WSGI application of the configuration; the notation is gunicorn's: `module:create_app()`.
    """
    if port is not None:
        _require_free(port)
    url = url_of(port or free_port())
    child = start(
        "gunicorn",
        [sys.executable, "-m", "gunicorn", "-c", str(CONFIGURATION), *([wsgi_app] if wsgi_app else [])],
        log,
        {**settings.to_env(), "TRACETRACK_BIND": url.removeprefix("http://"), "PYTHONUNBUFFERED": "1"},
        stop_signal=signal.SIGTERM,
    )
    with child:
        health = _wait_until_healthy(child, url)
        if settings.readings_file:
            _wait_until_ready(child, settings)
        yield Application(child, url, health)


def url_of(port: int) -> str:
    """The URL of an application that listens on this port."""
    return f"http://127.0.0.1:{port}"


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise UserError(f"port {port} cannot be used ({reason}); choose another with --port") from None


def _wait_until_healthy(child: Child, url: str) -> dict:
    reason = "no answer"
    for _ in attempts(HEALTHY_TIMEOUT_S, 0.05):
        if child.ended():
            break
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5) as response:  # noqa: S310 -- our own server
                return json.load(response)
        except urllib.error.HTTPError as error:
            reason = f"/health answered {error.code}"
        except OSError as error:
            reason = str(error)
    if child.ended():
        reason = child.last_line() or f"it ended with code {child.process.returncode}"
    raise StartError(reason, child.log)


def _wait_until_ready(child: Child, settings: Settings) -> None:
    """Wait for every worker: the first worker answers for the application while others are still starting."""
    metrics = WorkerMetrics.open(Path(settings.readings_file), COUNTERS)
    ready = 0
    for _ in attempts(READY_TIMEOUT_S, 0.02):
        ready = sum(values["ready"] for values in metrics.read().values())
        if ready >= settings.workers:
            return
        if child.ended():
            break
    reason = child.last_line() if child.ended() else f"{ready} of {settings.workers} workers are ready"
    raise StartError(reason, child.log)
