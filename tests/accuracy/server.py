"""A server whose latency is known, to see whether what a load generator measures is true.

`python -m tests.accuracy.server --log FILE` runs it, `running` runs it for a block. It serves any number of requests at
the same time, each for a time of its own (M/G/∞): without a stall, latency is the service time and nothing else.
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

from .connection import Connection, Service
from .delays import Delays
from .log import Log
from .loop import exact_loop

START_TIMEOUT_S = 10.0
FLUSH_S = 0.2
LISTENS = "listening on "


@contextmanager
def running(log: Path, *options: str) -> Iterator[tuple[Child, int]]:
    """The server in a process of its own for the block, and its port; its log is complete after the block.

    `options` are those of the command. What it prints is beside `log`, as `.out`. Raises `UserError` if it does not
    come up.
    """
    output = log.with_suffix(".out")
    output.unlink(missing_ok=True)  # of a server before this one
    command = [sys.executable, "-m", "tests.accuracy.server", "--log", str(log), *options]
    with start("server", command, output, {"PYTHONPATH": str(REPOSITORY)}) as child:
        yield child, _wait_until_listening(child)


def _wait_until_listening(child):
    deadline = time.monotonic() + START_TIMEOUT_S
    while not child.ended() and time.monotonic() < deadline:
        _, found, port = child.last_line().partition(LISTENS)
        if found:
            return int(port)
        time.sleep(0.01)
    raise UserError(f"the server did not start: {child.last_line() or 'it said nothing'}")


@dataclass
class Stall:
    """The process stands still once, so long after the first request. 0 s is no stall."""

    after_s: float
    length_s: float
    log: Log
    _counting: bool = field(default=False, init=False)

    def count_down(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called with each request; the first begins it."""
        if not self._counting and self.length_s:
            loop.call_later(self.after_s, self._stand_still)
        self._counting = True

    def _stand_still(self):
        self.log.flush()
        begun_ns = time.monotonic_ns()
        time.sleep(self.length_s)
        print(f"stood still from {begun_ns} to {time.monotonic_ns()} ns", flush=True)


def serve(loop: asyncio.AbstractEventLoop, listener: socket.socket, service: Service) -> None:
    """Until SIGTERM or Ctrl-C; then every request is in the log."""
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, loop.stop)
    listening = loop.create_server(lambda: Connection(service), sock=listener, backlog=socket.SOMAXCONN)
    loop.run_until_complete(listening)
    print(f"{LISTENS}{listener.getsockname()[1]}", flush=True)
    _flush_again(loop, service.log)
    loop.run_forever()
    for connection in service.connections:
        connection.give_up()
    service.log.close()


def _flush_again(loop, log):
    log.flush()
    loop.call_later(FLUSH_S, _flush_again, loop, log)


def _listener(port):
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise UserError(f"port {port} cannot be listened on ({os.strerror(error.errno)}); choose another") from None


@click.command()
@click.option("--log", "log_path", type=click.Path(path_type=Path), required=True, help="Gets a line for each request.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0, the default, takes a free one.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the service times.")
@click.option("--stall-after", type=click.FloatRange(0), default=0.0, help="Seconds after the first request.")
@click.option("--stall", type=click.FloatRange(0), default=0.0, help="Seconds; 0, the default, is no stall.")
def main(log_path, port, seed, stall_after, stall):
    """Serve HTTP on 127.0.0.1 with known service times."""
    die_with_parent(os.getppid(), signal.SIGTERM)
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    log, loop = Log(log_path), exact_loop()
    pause = Stall(stall_after, stall, log)
    gc.freeze()  # a collection then looks at what was made since, which takes well below 1 ms
    serve(loop, _listener(port), Service(loop, Delays(seed), log, lambda: pause.count_down(loop)))


if __name__ == "__main__":
    with reporting_errors():
        main(prog_name="python -m tests.accuracy.server", standalone_mode=False)
