"""A run of its own for a Locust that somebody started by hand, with a locustfile that imports `recording`."""

import atexit
import os
from datetime import UTC, datetime
from pathlib import Path

from analysis.directories import runs_directory

NAME = "by-hand"


def begin() -> Path:
    """The directory of a new run, whose record is written when this process ends. Processes that it forks share it."""
    directory = runs_directory() / "single-runs" / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{NAME}-{os.getpid()}"
    directory.mkdir(parents=True)
    os.environ["TRACETRACK_RUN_DIRECTORY"] = str(directory)
    atexit.register(_close, directory, os.getpid())
    return directory


def _close(directory, began_by):
    if os.getpid() != began_by:
        return
    from loadgen import record  # it needs much that a load generator does better without
    from loadgen.scenarios import Scenario

    scenario = Scenario(name=NAME, description="a Locust that was started by hand", kind="by-hand")
    order = record.Order(deployment="target", scenario=NAME, scale="", seed=0)
    written = record.begin(directory, order, scenario, {"name": "target", "settings": {}})
    written["status"] = "complete"
    record.close(directory, written, scenario, "")
    print(f"{written['rows']} requests recorded: {directory}")
