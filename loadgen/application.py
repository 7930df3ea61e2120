"""The application of a run: a server with the settings of one deployment, started and healthy."""

import json
import os
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from instrumentation.worker_metrics import WorkerMetrics
from reference_app.settings import Settings
from workbench.errors import UserError
from workbench.polling import attempts

from . import server_commands
from .app_code import OWN, AppCode
from .memory.memory_limit import NO_LIMIT, MemoryLimit
from .services import free_port
from .subprocesses import Child, start

HEALTHY_TIMEOUT_S = READY_TIMEOUT_S = 30.0


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


@dataclass(frozen=True)
class StartingApplication:
    """An application whose master process imports what it needs, and then waits for its start signal, a file."""

    child: Child
    url: str
    settings: Settings
    start_signal: Path | None
    code: AppCode = OWN
    memory: MemoryLimit = NO_LIMIT

    def complete(self) -> Application:
        """Give the start signal, and return the application once it is healthy.

        Raises `StartError` if it is not, and `OutOfMemoryAtStart` if the kernel ended one of its processes.

        With a file for the workers' metrics (`settings.readings_file`) all of its workers are ready then.
        """
        if self.start_signal:
            self.start_signal.touch()
        health = _wait_until_healthy(self.child, self.url, self.memory)
        if self.settings.readings_file:
            _wait_until_ready(self.child, self.settings, self.code, self.memory)
        self.memory.require_memory()
        return Application(self.child, self.url, health)


@contextmanager
def serve(settings: Settings, log: Path, port: int | None = None, wsgi_app: str = "") -> Iterator[Application]:
    """Run the application for the block; all is as for `starting`, and the application is complete."""
    with starting(settings, log, port, wsgi_app) as application:
        yield application.complete()


@contextmanager
def starting(
    settings: Settings,
    log: Path,
    port: int | None = None,
    wsgi_app: str = "",
    start_signal: Path | None = None,
    code: AppCode = OWN,
    memory: MemoryLimit = NO_LIMIT,
    environ: Mapping[str, str] | None = None,
) -> Iterator[StartingApplication]:
    """Start the application for the block, and stop it afterwards; `port` None takes a free one.

    With `start_signal` it does not use its database before `StartingApplication.complete`. `wsgi_app` replaces the WSGI
    application of the configuration; the notation is gunicorn's: `module:create_app()`. `code` is what serves.
    Its processes are in the group of `memory`, where that has one, and have the variables of `environ`.
    """
    if port is not None:
        _require_free(port)
    url = url_of(port or free_port())
    variables = {**settings.to_env(), "TRACETRACK_BIND": url.removeprefix("http://"), "PYTHONUNBUFFERED": "1"}
    variables |= environ or {}
    child = start(
        "granian" if settings.server == "granian" else "gunicorn",
        server_commands.command(settings, code, wsgi_app),
        log,
        variables | ({"TRACETRACK_START_SIGNAL": str(start_signal)} if start_signal else {}),
        stop_signal=signal.SIGTERM,
        prepare=memory.join,
        without=code.without,
        folder=code.working_folder,
    )
    with child:
        yield StartingApplication(child, url, settings, start_signal, code, memory.after_start(child.pid))


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


def _wait_until_healthy(child: Child, url: str, memory: MemoryLimit) -> dict:
    reason = "no answer"
    for _ in attempts(HEALTHY_TIMEOUT_S, 0.01):
        memory.require_memory()
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
        memory.require_memory()
        reason = child.last_line() or f"it ended with code {child.process.returncode}"
    raise StartError(reason, child.log)


def _wait_until_ready(child: Child, settings: Settings, code: AppCode, memory: MemoryLimit) -> None:
    """Wait for every worker: the first worker answers for the application while others are still starting."""
    metrics = WorkerMetrics.open(Path(settings.readings_file), code.counters)
    ready = 0
    for _ in attempts(READY_TIMEOUT_S, 0.005):
        memory.require_memory()
        ready = sum(values["ready"] for values in metrics.read().values())
        if ready >= settings.workers:
            return
        if child.ended():
            break
    reason = child.last_line() if child.ended() else f"{ready} of {settings.workers} workers are ready"
    raise StartError(reason, child.log)
