"""A TCP proxy that puts a round-trip time in front of a server, so that a deployment can be far from its database.

`python -m loadgen.proxy --listen HOST:PORT --upstream HOST:PORT --round-trip-ms F` runs it, `through` runs it for a
block. Toxics are added and removed while it runs: `Proxy.add`, or its control socket. The bytes pass through `relay`.
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

from .proxy_control import ADD, CLEAR, MAX_SOCKET_PATH_BYTES, REMOVE, ControlServer, request
from .proxy_listener import SocketAddress
from .relay import Relay
from .socket_loop import SocketLoop
from .subprocesses import Child, start
from .toxics import BOTH

START_TIMEOUT_S = 10.0
MAX_ROUND_TRIP_MS = 60_000
PR_SET_TIMERSLACK = 29
TIMER_SLACK_NS = 1000


@dataclass(frozen=True)
class Proxy:
    """A running proxy: its process, the address at which it listens, its counts and its control socket."""

    child: Child
    address: tuple[str, int]
    counts_file: Path
    control_socket: Path

    def counts(self) -> tuple[int, int]:
        """The connections accepted and the round trips so far, over all connections.

        A round trip is counted when a client sends for the first time, or for the first time after it was answered:
        waiting for the next answer then takes it one round-trip time, as each connection does. It is counted before it
        reaches the upstream.
        """
        connections, round_trips = self.counts_file.read_text().split()
        return int(connections), int(round_trips)

    def add(self, name: str, kind: str, direction: str = BOTH, **attributes: float) -> float:
        """Put a toxic into force, for the connections of now and new ones.

        `kind` and `attributes` are those of `toxics.ATTRIBUTES`, `direction` is `upstream` (bytes to the server),
        `downstream` or `both`. Returns the instant from which it is in force, in monotonic seconds. Raises `UserError`
        with one line if the proxy refuses it or does not answer.
        """
        fields = {"name": name, "kind": kind, "direction": direction, "attributes": attributes}
        return request(self.control_socket, {"command": ADD, **fields})

    def remove(self, name: str) -> float:
        """Remove a toxic; what it held back passes. Returns the instant, and raises `UserError`, as `add` does."""
        return request(self.control_socket, {"command": REMOVE, "name": name})

    def clear(self) -> float:
        """Remove all toxics. Returns the instant, and raises `UserError`, as `add` does."""
        return request(self.control_socket, {"command": CLEAR})


@contextmanager
def through(upstream: tuple[str, int] | str, round_trip_ms: float, log: Path, *, seed: int = 0) -> Iterator[Proxy]:
    """Run a proxy in front of `upstream`, on a free port of 127.0.0.1 and in a process of its own, for the block.

    `upstream` is a host and a port, or the path of a Unix socket. The counts and the control socket are files beside
    `log`. `seed` is that of the jitter. Raises `UserError` if it does not start.
    """
    counts_file, control_socket = log.with_suffix(".counts"), log.with_suffix(".control")
    command = [sys.executable, "-m", "loadgen.proxy", "--listen", "127.0.0.1:0"]
    place = upstream if isinstance(upstream, str) else f"{upstream[0]}:{upstream[1]}"
    command += ["--upstream", place, "--round-trip-ms", str(round_trip_ms)]
    command += ["--counts", str(counts_file), "--control", str(control_socket), "--seed", str(seed)]
    control_socket.unlink(missing_ok=True)
    try:
        with start("proxy", command, log) as child:
            yield Proxy(child, _wait_until_listening(child), counts_file, control_socket)
    finally:
        control_socket.unlink(missing_ok=True)


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
@click.option("--control", type=click.Path(path_type=Path), help="Unix socket for commands that add and remove toxics.")
@click.option("--seed", type=int, default=0, help="Seed of the jitter.")
def main(
    listen: SocketAddress,
    upstream: SocketAddress,
    round_trip_ms: float,
    counts: BinaryIO | None,
    control: Path | None,
    seed: int,
) -> None:
    """Put a round-trip time between clients and a server, and toxics while it runs."""
    _, max_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max_files, max_files))
    if sys.platform.startswith("linux"):  # sleep to the microsecond
        ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0)
    loop = SocketLoop()
    relay = Relay(loop, (listen, upstream), round_trip_ms / 1000, counts, seed)
    if control:
        ControlServer(loop, control, relay)
    click.echo(_announcement(os.getpid()) + "{}:{}".format(*relay.address))
    loop.run()


if __name__ == "__main__":
    with reporting_errors():
        main(prog_name="python -m loadgen.proxy", standalone_mode=False)
