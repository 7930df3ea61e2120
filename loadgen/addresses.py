"""Where a host is: on this machine or on another one."""

import ipaddress
import socket
from functools import lru_cache

import psutil


def addresses(host: str, port: int | None = None) -> set[str]:
    """Those that the host's name stands for. Raises `OSError` where it cannot be found."""
    return {found[4][0] for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}


def is_own(address: str) -> bool:
    """Whether it is an address of this machine."""
    bare = address.split("%")[0]
    own = {card.address.split("%")[0] for cards in psutil.net_if_addrs().values() for card in cards}
    return ipaddress.ip_address(bare).is_loopback or bare in own


@lru_cache
def is_here(host: str) -> bool:
    """Whether all of a host's addresses are of this machine, which then shares our clock; not if it cannot be found."""
    try:
        return all(map(is_own, addresses(host)))
    except OSError:
        return False
