"""What a server needs of this machine: a port, and room on the disk."""

import os
import random
import socket
from contextlib import suppress
from pathlib import Path

from workbench.errors import UserError

PORTS = range(15_000, 65_536)
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
TRIES = 100


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has: where the kernel says which those are, none that a connection may get by
    chance before it is used. By true chance, as two processes may have seeded theirs alike."""
    lasting = _lasting()
    for port in random.SystemRandom().sample(lasting, min(TRIES, len(lasting))):
        with suppress(OSError):
            return _bound(port)
    return _bound(0)


def _lasting():
    """The ports from which the kernel takes none for connections."""
    try:
        low, high = map(int, EPHEMERAL.read_text().split())
    except (OSError, ValueError):
        return []
    return [port for port in PORTS if not low <= port <= high]


def _bound(port):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
        return probe.getsockname()[1]


def require_free_space(directory: Path, needed_bytes: int) -> None:
    """Refuse before anything is written, instead of in the middle of it."""
    status = os.statvfs(directory)
    free_bytes = status.f_bavail * status.f_frsize
    if free_bytes < needed_bytes:
        raise UserError(
            f"{directory} has {free_bytes / 2**30:.1f} GiB free and this needs {needed_bytes / 2**30:.1f}; "
            "free some space, or set TRACETRACK_DATA_DIR to a larger disk"
        )
