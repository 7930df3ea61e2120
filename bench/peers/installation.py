"""Installs what a bench compares with, into folders that go with it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import UserError
from workbench.temporary_folder import temporary_folder

AUTOCANNON, POLARS = "autocannon@9", "polars==1.*"
TIMEOUT_S = 300


@contextmanager
def autocannon() -> Iterator[str]:
    """Install autocannon for the block; yields the folder of its program. Raises `UserError` where npm cannot."""
    with temporary_folder("npm") as folder:
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
        _install("autocannon", "npm", ["install", "--prefix", str(folder), *options, AUTOCANNON])
        yield str(folder / "node_modules" / ".bin")


@contextmanager
def polars() -> Iterator[None]:
    """Install Polars for the block, into a folder on the import path of this process and of its children.

    Raises `UserError` where uv cannot. The import path is as before afterwards.
    """
    with temporary_folder("packages") as folder:
        options = ["--quiet", "--only-binary", ":all:", "--python", sys.executable]
        uv = Path(sys.executable).with_name("uv")
        _install("Polars", str(uv), ["pip", "install", *options, "--target", str(folder), POLARS])
        before = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(folder), before)))
        sys.path.append(str(folder))
        try:
            yield
        finally:
            sys.path.remove(str(folder))
            os.environ.pop("PYTHONPATH")
            os.environ.update({"PYTHONPATH": before} if before else {})


def _install(what: str, program: str, arguments: Sequence[str]) -> None:
    """Run an installer. Raises `UserError` where it is missing, fails or takes too long."""
    name = Path(program).name
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S)
    except FileNotFoundError:
        raise UserError(f"{name} is not installed, so that it cannot install {what}; leave --install out") from None
    except subprocess.TimeoutExpired:
        raise UserError(f"{name} did not install {what} within {TIMEOUT_S} s") from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        raise UserError(f"{name} could not install {what}: {reason}")
