"""A run of its own for a Locust that somebody started by hand, with a locustfile that imports `recording`."""

import atexit
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from workbench.paths import runs_directory

NAME = "by-hand"
MOST_PROCESSES = 1000


def begin() -> Path:
    """The directory of a new run, whose record is made final when this process ends. Processes that it forks share it.

    The record is begun by a process of its own: it needs much that a load generator does better without.
    """
    directory = runs_directory() / "single-runs" / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{NAME}-{os.getpid()}"
    directory.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", __name__, str(directory)], check=True, cwd=Path(__file__).parents[2])
    os.environ["TRACETRACK_RUN_DIRECTORY"] = str(directory)
    atexit.register(_close, directory, os.getpid())
    return directory


def claim(directory: Path) -> int:
    """The number of this process among those that record in the directory. What it tells at its end has its place."""
    return next(number for number in count() if _made(directory / f"generator-{number}.json"))


def _made(path):
    """Whether the file was not there before: no two processes make the same."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _close(directory, began_by):
    if os.getpid() != began_by:
        return
    from .. import record_writer

    written = json.loads((directory / "run.json").read_text())
    written |= {"status": "complete", "processes": len(list(directory.glob("generator-[0-9]*.json")))}
    record_writer.close(directory, written, _scenario(), "")
    print(f"{written['rows']} requests recorded: {directory}")


def _scenario():
    from ..scenarios import Scenario

    return Scenario(name=NAME, description="a Locust that was started by hand", kind="by-hand")


def _begin_record(directory):
    from .. import record_writer

    order = record_writer.Order(deployment="target", scenario=NAME, scale="", seed=0)
    record_writer.begin(directory, order, _scenario(), {"name": "target", "settings": {}})


if __name__ == "__main__":
    _begin_record(Path(sys.argv[1]))
