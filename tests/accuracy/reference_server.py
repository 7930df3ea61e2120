"""A server with known latency, against which the measurements of a load generator are compared.

`python -m tests.accuracy.reference_server --log FILE` runs it, `running` runs it for a block. It serves any number of
requests at the same time, each for a service time of its own (M/G/∞): without a stall, latency is the service time and
nothing else.
"""

import asyncio
import gc
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from loadgen.subprocesses import Child, die_with_parent, start
from workbench.errors import UserError, reporting_errors
from workbench.paths import REPOSITORY
from workbench.polling import attempts

from .exact_loop import exact_loop
from .reference_connection import Connection, Service
from .server_log import Log
from .service_times import ServiceTimes

START_TIMEOUT_S = 10.0
FLUSH_INTERVAL_S = 0.2
ANNOUNCEMENT = "listening on "


@contextmanager
def running(log: Path, *options: str) -> Iterator[tuple[Child, int]]:
    """Run the server in a process of its own for the block; yields the process and its port.

    `log` is complete after the block. `options` are those of the command. Its output is beside `log`, as `.out`. Raises
    `UserError` if it does not start.
    """
    output = log.with_suffix(".out")
    output.unlink(missing_ok=True)  # of a server before this one
    command = [sys.executable, "-m", "tests.accuracy.reference_server", "--log", str(log), *options]
    with start("server", command, output, {"PYTHONPATH": str(REPOSITORY)}) as child:
        yield child, _wait_until_listening(child)


def _wait_until_listening(child: Child) -> int:
    """The port that the server has printed."""
    for _ in attempts(START_TIMEOUT_S, 0.01):
        if child.ended():
            break
        _, announced, port = child.last_line().partition(ANNOUNCEMENT)
        if announced:
            return int(port)
    raise UserError(f"the server did not start: {child.last_line() or 'it printed nothing'}")


@dataclass
class Stall:
    """A time of `length_s` in which the process stands still, `after_s` after the first request. 0 s is no stall."""

    after_s: float
    length_s: float
    log: Log
    _is_scheduled: bool = field(default=False, init=False)

    def schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        """Schedule the stall at the first request; called at each."""
        if not self._is_scheduled and self.length_s:
            loop.call_later(self.after_s, self._stand_still)
        self._is_scheduled = True

    def _stand_still(self) -> None:
        self.log.flush()
        start_ns = time.monotonic_ns()
        time.sleep(self.length_s)
        print(f"stood still from {start_ns} to {time.monotonic_ns()} ns", flush=True)


def serve(loop: asyncio.AbstractEventLoop, listener: socket.socket, service: Service) -> None:
    """Serve until SIGTERM or Ctrl-C; then every request is in the log."""
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, loop.stop)
    listening = loop.create_server(lambda: Connection(service), sock=listener, backlog=socket.SOMAXCONN)
    loop.run_until_complete(listening)
    print(f"{ANNOUNCEMENT}{listener.getsockname()[1]}", flush=True)
    _flush_periodically(loop, service.log)
    loop.run_forever()
    for connection in service.connections:
        connection.log_unanswered()
    service.log.close()


def _flush_periodically(loop: asyncio.AbstractEventLoop, log: Log) -> None:
    log.flush()
    loop.call_later(FLUSH_INTERVAL_S, _flush_periodically, loop, log)


def _listener(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise UserError(f"port {port} cannot be listened on ({reason}); choose another") from None


@click.command()
@click.option("--log", "log_path", type=click.Path(path_type=Path), required=True, help="File for a line a request.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; 0, the default, takes a free one.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the service times.")
@click.option(
    "--stall-after",
    type=click.FloatRange(0),
    default=0.0,
    help="Start of the stall, in seconds after the first request.",
)
@click.option(
    "--stall", type=click.FloatRange(0), default=0.0, help="Length of the stall in seconds; 0, the default, is none."
)
def main(log_path: Path, port: int, seed: int, stall_after: float, stall: float) -> None:
    """Serve HTTP on 127.0.0.1 with known service times."""
    die_with_parent(os.getppid(), signal.SIGTERM)
    _, max_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max_files, max_files))
    log, loop = Log(log_path), exact_loop()
    freeze = Stall(stall_after, stall, log)
    gc.freeze()  # a collection then looks only at newer objects, which takes well below 1 ms
    serve(loop, _listener(port), Service(loop, ServiceTimes(seed), log, lambda: freeze.schedule(loop)))


if __name__ == "__main__":
    with reporting_errors():
        main(prog_name="python -m tests.accuracy.reference_server", standalone_mode=False)
