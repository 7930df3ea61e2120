"""A TCP proxy that puts a round-trip time in front of PostgreSQL, so that a deployment can be far from its database.

`python -m loadgen.proxy --listen HOST:PORT --upstream HOST:PORT --round-trip-ms F` runs it, `through` runs it for a
block. The bytes pass through `relay`.
"""

import ctypes
import os
import resource
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import click

from workbench.errors import UserError, reporting_errors
from workbench.polling import attempts

from .relay import Relay, SocketAddress
from .subprocesses import Child, start

START_TIMEOUT_S = 10.0
MAX_ROUND_TRIP_MS = 60_000
PR_SET_TIMERSLACK = 29
TIMER_SLACK_NS = 1000
MAX_SOCKET_PATH_BYTES = 107


@dataclass(frozen=True)
class Proxy:
    """A running proxy: its process, and the address at which it listens."""

    child: Child
    address: tuple[str, int]
    counts_file: Path

    def counts(self) -> tuple[int, int]:
        """The connections accepted and the round trips so far, over all connections.

        A round trip is counted when a client sends for the first time, or for the first time after it was answered:
        waiting for the next answer then takes it one round-trip time, as each connection does. It is counted before it
        reaches the upstream.
        """
        connections, round_trips = self.counts_file.read_text().split()
        return int(connections), int(round_trips)


@contextmanager
def through(upstream: tuple[str, int] | str, round_trip_ms: float, log: Path) -> Iterator[Proxy]:
    """Run a proxy in front of `upstream`, on a free port of 127.0.0.1 and in a process of its own, for the block.

    `upstream` is a host and a port, or the path of a Unix socket. The counts are in a file beside `log`. Raises
    `UserError` if it does not start.
    """
    counts_file = log.with_suffix(".counts")
    command = [sys.executable, "-m", "loadgen.proxy", "--listen", "127.0.0.1:0"]
    place = upstream if isinstance(upstream, str) else f"{upstream[0]}:{upstream[1]}"
    command += ["--upstream", place, "--round-trip-ms", str(round_trip_ms)]
    with start("proxy", [*command, "--counts", str(counts_file)], log) as child:
        yield Proxy(child, _wait_until_listening(child), counts_file)


def _wait_until_listening(child: Child) -> tuple[str, int]:
    """The address that the proxy has printed."""
    for _ in attempts(START_TIMEOUT_S, 0.01):
        if child.ended():
            break
        _, announced, address = child.last_line().partition(_announcement(child.pid))
        if announced:
            host, _, port = address.rpartition(":")
            return host, int(port)
    reason = child.last_line().removeprefix("Error: ") or "it printed nothing"
    raise UserError(f"the proxy did not start: {reason}\nIts log is {child.log}")


def _announcement(pid: int) -> str:
    return f"process {pid} listens on "


def _parse_address(context: click.Context, option: click.Parameter, text: str) -> SocketAddress:
    """The socket's address for HOST:PORT; IPv4 where the host has both, as PostgreSQL's localhost is IPv4."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UserError(f"{option.opts[0]} is HOST:PORT, not {text!r}")
    try:
        entries = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UserError(f"{option.opts[0]}: there is no host {host!r}") from None
    family, *_, address = min(entries, key=lambda entry: entry[0] != socket.AF_INET)
    return SocketAddress(family, address)


def _parse_upstream(context: click.Context, option: click.Parameter, text: str) -> SocketAddress:
    """As `_parse_address`, or the path of a Unix socket."""
    if not text.startswith(("/", "@")):
        return _parse_address(context, option, text)
    if len(os.fsencode(text)) > MAX_SOCKET_PATH_BYTES:
        raise UserError(f"{option.opts[0]}: the path of a Unix socket has at most {MAX_SOCKET_PATH_BYTES} bytes")
    return SocketAddress(socket.AF_UNIX, text.replace("@", "\0", 1) if text.startswith("@") else text)


def _check_round_trip(context: click.Context, option: click.Parameter, value: float) -> float:
    if not 0 <= value <= MAX_ROUND_TRIP_MS:
        raise UserError(f"{option.opts[0]} is a time from 0 to {MAX_ROUND_TRIP_MS} ms, not {value}")
    return value


@click.command()
@click.option(
    "--listen", required=True, callback=_parse_address, help="HOST:PORT for clients; port 0 takes a free one."
)
@click.option(
    "--upstream", required=True, callback=_parse_upstream, help="HOST:PORT or socket path of the server behind it."
)
@click.option(
    "--round-trip-ms", type=float, required=True, callback=_check_round_trip, help="Time added to each round trip."
)
@click.option("--counts", type=click.File("wb", lazy=False), help="File for the number of connections and round trips.")
def main(listen: SocketAddress, upstream: SocketAddress, round_trip_ms: float, counts: BinaryIO | None) -> None:
    """Put a round-trip time between clients and a server."""
    _, max_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max_files, max_files))
    if sys.platform.startswith("linux"):  # sleep to the microsecond
        ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0)
    with _listener(listen) as listener:
        relay = Relay(listener, upstream, round_trip_ms / 1000, counts)
        click.echo(_announcement(os.getpid()) + "{}:{}".format(*listener.getsockname()))
        relay.run()


def _listener(address: SocketAddress) -> socket.socket:
    try:
        listener = socket.create_server(address.address, family=address.family, backlog=socket.SOMAXCONN)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        place = "{}:{}".format(*address.address)
        raise UserError(f"{place} cannot be listened on ({reason}); choose another --listen") from None
    listener.setblocking(False)
    return listener


if __name__ == "__main__":
    with reporting_errors():
        main(prog_name="python -m loadgen.proxy", standalone_mode=False)
