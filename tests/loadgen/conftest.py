"""File systems of a command's own, to be read-only or full."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Mount:
    """A command in front of another that gives it a file system of its own at a folder, seen by nobody else."""

    unshare: list[str]

    def before(self, folder: Path | str, options: str) -> tuple[str, ...]:
        script = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"'
        return (*self.unshare, "sh", "-c", script, "sh", options, str(folder))


@pytest.fixture(scope="module")
def mount() -> Mount:
    private = Mount(["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"])
    try:
        subprocess.run([*private.before("/mnt", "size=1m"), "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine allows no private mounts")
    return private
