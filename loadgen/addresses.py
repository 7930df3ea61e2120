"""Network addresses of hosts: on this machine or on another one."""

import ipaddress
import socket
from functools import lru_cache

import psutil


def resolve(host: str | None, port: int | None = None) -> set[str]:
    """The addresses of a host. Raises `OSError` if its name cannot be resolved."""
    return {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}


def is_local_address(address: str) -> bool:
    """Return whether it is an address of this machine."""
    bare = address.split("%")[0]
    local = {card.address.split("%")[0] for cards in psutil.net_if_addrs().values() for card in cards}
    return ipaddress.ip_address(bare).is_loopback or bare in local


@lru_cache
def is_local_host(host: str) -> bool:
    """Return whether all addresses of a host are of this machine, so that both have one clock.

    A host that cannot be resolved is not local.
    """
    try:
        return all(map(is_local_address, resolve(host)))
    except OSError:
        return False
