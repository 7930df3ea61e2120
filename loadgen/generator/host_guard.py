"""The load stays where it was meant to go: a redirect, or a locustfile, may name a machine that nobody confirmed."""

import errno
from urllib.parse import urlsplit

from gevent import socket

from ..addresses import addresses, is_own

CONNECTS = ("connect", "connect_ex")


class Unconfirmed(OSError):
    """A connection to another machine than the target's was not made."""


def confine(url: str) -> None:
    """From now on sockets of this process connect to this machine and to the host of the URL alone."""
    allowed = addresses(urlsplit(url).hostname)
    for name in CONNECTS:
        setattr(socket.socket, name, _within(allowed, getattr(socket.socket, name)))


def _within(allowed, connect):
    def connected(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not (address[0] in allowed or is_own(address[0])):
            raise Unconfirmed(errno.EPERM, f"{address[0]} is not the target's host, and nobody confirmed it")
        return connect(self, address)

    return connected
