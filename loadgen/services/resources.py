"""What a server needs of this machine: a port, and room on the disk."""

import os
import socket
from pathlib import Path

from analysis.problem import Problem


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def require_free_space(directory: Path, needed_bytes: int) -> None:
    """Refuse before anything is written, instead of in the middle of it."""
    status = os.statvfs(directory)
    free_bytes = status.f_bavail * status.f_frsize
    if free_bytes < needed_bytes:
        raise Problem(
            f"{directory} has {free_bytes / 2**30:.1f} GiB free and this needs {needed_bytes / 2**30:.1f}; "
            "free some space, or set TRACETRACK_DATA_DIR to a larger disk"
        )
