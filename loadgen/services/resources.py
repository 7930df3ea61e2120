"""Resources of this machine that a server needs: a port, a folder of its own and disk space."""

import os
import random
import socket
from contextlib import suppress
from pathlib import Path

from workbench.errors import UserError

PORTS = range(15_000, 65_536)
EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
TRIES = 100


def free_port() -> int:
    """A port of 127.0.0.1 that is not in use, outside the kernel's range for outgoing connections where that is known.

    A port of that range may be taken by a connection before the server listens. The choice is truly random, because two
    processes may have seeded their generators alike.
    """
    ports = _non_ephemeral_ports()
    for port in random.SystemRandom().sample(ports, min(TRIES, len(ports))):
        with suppress(OSError):
            return _bind(port)
    return _bind(0)


def _non_ephemeral_ports() -> list[int]:
    """The ports that the kernel does not use for outgoing connections; none where it does not say which."""
    try:
        low, high = map(int, EPHEMERAL_RANGE.read_text().split())
    except (OSError, ValueError):
        return []
    return [port for port in PORTS if not low <= port <= high]


def _bind(port: int) -> int:
    """The number of the port (of any free one for 0), after it was bound for a moment. Raises `OSError` if in use."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
        return probe.getsockname()[1]


def make_private(directory: Path) -> None:
    """Create a folder that only its owner may enter, whatever the umask; an existing one is closed to others."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)


def require_free_space(directory: Path, needed_bytes: int) -> None:
    """Raise `UserError` if the disk has less space than this, before anything is written."""
    status = os.statvfs(directory)
    free_bytes = status.f_bavail * status.f_frsize
    if free_bytes < needed_bytes:
        raise UserError(
            f"{directory} has {free_bytes / 2**30:.1f} GiB free and this needs {needed_bytes / 2**30:.1f}; "
            "free some space, or set TRACETRACK_DATA_DIR to a larger disk"
        )
