"""What npm installs for a bench, into a folder that goes with it."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from workbench.errors import UserError
from workbench.temporary_folder import temporary_folder

AUTOCANNON = "autocannon@9"
TIMEOUT_S = 300


@contextmanager
def autocannon() -> Iterator[str]:
    """Install autocannon for the block; yields the folder of its program. Raises `UserError` where npm cannot."""
    npm = shutil.which("npm")
    if not npm:
        raise UserError("npm is not installed, so that it cannot install autocannon; leave --install out")
    with temporary_folder("npm") as folder:
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
        command = [npm, "install", "--prefix", str(folder), *options, AUTOCANNON]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise UserError(f"npm did not install autocannon within {TIMEOUT_S} s") from None
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
            raise UserError(f"npm could not install autocannon: {reason}")
        yield str(folder / "node_modules" / ".bin")
