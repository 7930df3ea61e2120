"""The application of a run: gunicorn with one deployment, up and healthy, or a clear word why not."""

import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis.problem import Problem
from reference_app.settings import Settings

from .children import Child, start
from .services import free_port

HEALTHY_TIMEOUT_S = 30.0
CONFIGURATION = Path(__file__).resolve().parent.parent / "reference_app" / "gunicorn_conf.py"


@contextmanager
def serve(settings: Settings, log: Path, port: int | None = None) -> Iterator[tuple[Child, str]]:
    """The running server and its URL; `port` None takes a free one."""
    if port is not None:
        _require_free(port)
    address = f"127.0.0.1:{port or free_port()}"
    child = start(
        "gunicorn",
        [sys.executable, "-m", "gunicorn", "-c", str(CONFIGURATION)],
        log,
        {**settings.to_env(), "TRACETRACK_BIND": address, "PYTHONUNBUFFERED": "1"},
        stop_signal=signal.SIGTERM,
    )
    with child:
        _wait_until_healthy(child, f"http://{address}")
        yield child, f"http://{address}"


def _require_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Problem(
                f"port {port} cannot be used ({os.strerror(error.errno)}); choose another with --port"
            ) from None


def _wait_until_healthy(child, url):
    deadline = time.monotonic() + HEALTHY_TIMEOUT_S
    reason = "no answer"
    while time.monotonic() < deadline and not child.ended():
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except urllib.error.HTTPError as error:
            reason = f"/health answered {error.code}"
        except OSError as error:
            reason = str(error)
        time.sleep(0.05)
    if child.ended():
        reason = child.last_line() or f"it ended with code {child.process.returncode}"
    raise Problem(f"the application did not become healthy: {reason}\nIts log is {child.log}")
