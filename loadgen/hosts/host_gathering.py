"""The hosts of a run, gathered before anything of the run is written."""

import queue
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address

import zmq

from workbench.errors import UsageError, UserError
from workbench.polling import attempts
from workbench.terminal import echo

from .. import host_secret
from ..target import Target, Users
from .host_hub import HostHub
from .host_options import HostOptions
from .run_channel import parse_address


@dataclass(frozen=True)
class Gathered:
    """The hosts that joined: their hub, and the addresses at which they reach this host."""

    hub: HostHub
    wanted: int
    address: str
    locust_port: int


@contextmanager
def gathered(options: HostOptions, target: Target, users: Users) -> Iterator[Gathered]:
    """Wait until all hosts have joined, and serve them for the block.

    Raises `UserError` if they do not come in time, or if the address or one of its ports cannot be used.
    """
    address, port = parse_address(options.bind)
    keys = host_secret.require()
    number = _address_of(address)
    _require_free(number, port + 1)
    hub = HostHub(options.hosts, {"url": target.url, "locustfile": users.digest()})
    _start(hub, number, port, keys)
    try:
        _wait(hub, options, number, port)
        yield Gathered(hub, options.hosts, number, port + 1)
    finally:
        hub.stop("it ended before its load")
        hub.close()


def _start(hub: HostHub, address: str, port: int, keys: host_secret.Keys) -> None:
    try:
        hub.start(address, port, keys)
    except zmq.ZMQError as error:
        raise _unusable(address, port, error.strerror or str(error)) from None


def _wait(hub: HostHub, options: HostOptions, address: str, port: int) -> None:
    """Return when all hosts are ready; print what happens meanwhile."""
    shown = "THIS-HOST" if ip_address(address).is_unspecified else address
    awaited = "1 host" if options.hosts == 1 else f"{options.hosts} hosts"
    echo(
        f"waiting for {awaited}; on each: python -m loadgen worker --master {shown}:{port} "
        f"(its ports {port} and {port + 1}, and {host_secret.VARIABLE} as here)",
        err=True,
    )
    for _ in attempts(options.wait_s, 0.05):
        _print_news(hub)
        if hub.is_gathered:
            return
        if hub.problem:
            raise UserError(hub.problem)
    hub.stop(f"{options.hosts} hosts did not come")
    ready = sum(host.begin_clock is not None for host in list(hub.hosts.values()))
    raise UserError(
        f"{ready} of {options.hosts} hosts came to {address}:{port} within {options.wait_s:.0f} s; start the others, "
        "or wait longer with --wait-hosts"
    )


def _print_news(hub: HostHub) -> None:
    with suppress(queue.Empty):
        while True:
            echo(hub.news.get_nowait(), err=True)


def _address_of(name: str) -> str:
    """The IPv4 address of a name. Raises `UsageError` where it has none."""
    try:
        return socket.gethostbyname(name)
    except OSError as error:
        raise UsageError(f"--bind {name}: {error.strerror or error}; name an address of this host") from None


def _require_free(address: str, port: int) -> None:
    """Raise `UserError` if Locust's port is in use, or the address is not of this host."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise _unusable(address, port, error.strerror or str(error)) from None


def _unusable(address: str, port: int, reason: str) -> UserError:
    return UserError(
        f"port {port} of {address} cannot be used: {reason}; name another address of this host, or another port: "
        f"--bind {address}:PORT (the next port is Locust's)"
    )
