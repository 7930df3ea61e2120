"""Where a process is: whether two of them reach the same program by the address 127.0.0.1."""

import os
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
NETWORK = "/proc/self/ns/net"


def here() -> list[str]:
    """The running kernel and the network of this process; what a system does not say is empty."""
    return [_boot_id(), _network()]


def _boot_id() -> str:
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _network() -> str:
    try:
        return os.readlink(NETWORK)
    except OSError:
        return ""
