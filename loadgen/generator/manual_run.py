"""A run of its own for a Locust that was started manually, with a locustfile that imports `recording`."""

import atexit
import json
import os
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.paths import SINGLE_RUNS, runs_directory
from workbench.redaction import redacted

if TYPE_CHECKING:
    from locust.env import Environment

    from ..scenarios import Scenario

NAME = "by-hand"  # of the scenario in the record, which readers know
MAX_PROCESSES = 1000


def begin() -> Path:
    """Create the directory of a new run; its record is made final when this process ends. Forked processes share it.

    Another process writes the first record, because that needs many modules that a load generator does better without.
    """
    directory = runs_directory() / SINGLE_RUNS / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{NAME}-{os.getpid()}"
    directory.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", __name__, str(directory)], check=True, cwd=Path(__file__).parents[2])
    os.environ["TRACETRACK_RUN_DIRECTORY"] = str(directory)
    atexit.register(_close, directory, os.getpid())
    return directory


def claim_number(directory: Path) -> int:
    """Take the next free number for this process, by creating the file of its summary in the run's directory."""
    return next(number for number in count() if _create(directory / f"generator-{number}.json"))


def options(environment: "Environment") -> dict[str, Any]:
    """What Locust was started with, as far as it is known: host without secrets, users, spawn rate, run time (s)."""
    given = environment.parsed_options
    return {
        "host": redacted(environment.host or "") or None,
        "users": getattr(given, "users", None) or getattr(given, "num_users", None),
        "spawn_rate": getattr(given, "spawn_rate", None),
        "run_time_s": getattr(given, "run_time", None),
    }


def _create(path: Path) -> bool:
    """Create the file, unless it exists: no two processes create the same one."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _close(directory: Path, starter: int) -> None:
    """Make the record final, in the process that started the run; forked ones inherit the call."""
    if os.getpid() != starter:
        return
    from .. import record_writer

    record = json.loads((directory / "run.json").read_text())
    record |= {"status": "complete", "processes": len(list(directory.glob("generator-[0-9]*.json")))}
    record_writer.close(directory, record, _scenario(), "")
    print(f"{record['rows']} requests recorded: {directory}")
    print(f"its page: python -m reports build --run {shlex.quote(str(directory))}")


def _scenario() -> "Scenario":
    from ..scenarios import Scenario

    return Scenario(name=NAME, description="a Locust that was started manually", kind="by-hand")


def _write_first_record(directory: Path) -> None:
    from .. import record_writer
    from ..run_spec import RunSpec

    spec = RunSpec(deployment="target", scenario=NAME, scale="", seed=0)
    record_writer.begin(directory, spec, _scenario(), {"name": "target", "settings": {}})


if __name__ == "__main__":
    _write_first_record(Path(sys.argv[1]))
