"""The application of a run: gunicorn with one deployment, up and healthy, or a clear word why not."""

import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from instrumentation.worker_metrics import Readings
from reference_app.settings import Settings
from workbench.errors import UserError

from .services import free_port
from .subprocesses import Child, start

HEALTHY_TIMEOUT_S = READY_TIMEOUT_S = 30.0
CONFIGURATION = Path(__file__).resolve().parent.parent / "reference_app" / "gunicorn_conf.py"


class NotStarted(UserError):
    """The application did not become healthy; `said` is its own word for why."""

    def __init__(self, said: str, log: Path):
        super().__init__(f"the application did not become healthy: {said}\nIts log is {log}")
        self.said = said


@dataclass(frozen=True)
class Application:
    """A server that is up: its process, where it listens, and what it told of itself at `/health`."""

    child: Child
    url: str
    health: dict


@contextmanager
def serve(settings: Settings, log: Path, port: int | None = None, wsgi_app: str = "") -> Iterator[Application]:
    """The running server; `port` None takes a free one. Raises `NotStarted` if it does not become healthy.

    Where its workers have a file for their readings (`settings.readings_file`), all of them are ready.

    `wsgi_app` names another WSGI application than the configuration's, as gunicorn takes it: `module:create_app()`.
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
    """Where an application of ours is found."""
    return f"http://127.0.0.1:{port}"


def _require_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UserError(
                f"port {port} cannot be used ({os.strerror(error.errno)}); choose another with --port"
            ) from None


def _wait_until_healthy(child, url):
    deadline = time.monotonic() + HEALTHY_TIMEOUT_S
    reason = "no answer"
    while time.monotonic() < deadline and not child.ended():
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            reason = f"/health answered {error.code}"
        except OSError as error:
            reason = str(error)
        time.sleep(0.05)
    if child.ended():
        reason = child.last_line() or f"it ended with code {child.process.returncode}"
    raise NotStarted(reason, child.log)


def _wait_until_ready(child, settings):
    """Until every worker is there: the first one answers for the application while others are still starting."""
    readings = Readings.open(Path(settings.readings_file))
    deadline = time.monotonic() + READY_TIMEOUT_S
    while (ready := sum(reading["ready"] for reading in readings.read().values())) < settings.workers:
        if time.monotonic() > deadline or child.ended():
            reason = child.last_line() if child.ended() else f"{ready} of {settings.workers} workers are ready"
            raise NotStarted(reason, child.log)
        time.sleep(0.02)
