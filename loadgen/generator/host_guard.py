"""A guard that keeps the load on its target: a redirect or a locustfile may name a machine that was not confirmed."""

import errno
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from gevent import socket

from ..addresses import is_local_address, resolve

CONNECTS = ("connect", "connect_ex")


class UnconfirmedHost(OSError):
    """A connection to another machine than the target's was refused."""


def install(url: str) -> None:
    """Let sockets of this process connect only to this machine and to the host of the URL, which may lack a scheme."""
    allowed = resolve(urlsplit(url if "://" in url else f"//{url}").hostname)
    for name in CONNECTS:
        setattr(socket.socket, name, _guarded(allowed, getattr(socket.socket, name)))


def _guarded(allowed: set[str], connect: Callable[..., Any]) -> Callable[..., Any]:
    """A socket method like `connect` that raises `UnconfirmedHost` for other hosts."""

    def guarded_connect(self: socket.socket, address: tuple) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not (
            address[0] in allowed or is_local_address(address[0])
        ):
            raise UnconfirmedHost(errno.EPERM, f"{address[0]} is not the target's host, and was not confirmed")
        return connect(self, address)

    return guarded_connect
