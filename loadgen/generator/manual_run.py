"""A run of its own for a Locust that was started manually, with a locustfile that imports `recording`."""

import atexit
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import psutil

from workbench import atomic
from workbench.errors import reporting_errors
from workbench.paths import REPOSITORY, SINGLE_RUNS, runs_directory
from workbench.polling import attempts
from workbench.redaction import redacted

from ..addresses import is_local_host

if TYPE_CHECKING:
    from locust.env import Environment

    from ..scenarios import Scenario

NAME = "by-hand"  # of the scenario in the record, which readers know
MAX_PROCESSES = 1000
SUMMARIES_TIMEOUT_S = 10.0  # for the workers of a master that has ended


def begin() -> Path:
    """Create the directory of a new run; its record is made final when this process ends.

    Other processes write the record, because that needs many modules that a load generator does better without.
    """
    directory = _single_runs() / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{NAME}-{os.getpid()}"
    directory.mkdir(parents=True)
    _run_command("begin", directory)
    atexit.register(_end, directory, os.getpid())
    return directory


def claim_number(directory: Path) -> int:
    """Take the next free number for this process, by creating the file of its summary in the run's directory."""
    return next(number for number in count() if _create(directory / f"generator-{number}.json"))


def announce(port: int, directory: Path, started_ns: int) -> None:
    """Announce the run of the master at this port to workers on this machine, until this process ends."""
    path = _announcement(port)
    place = {"pid": os.getpid(), "directory": str(directory), "started_ns": started_ns}
    atomic.write_text(path, json.dumps(place))
    atexit.register(path.unlink, missing_ok=True)


def announced(host: str, port: int) -> tuple[Path, int] | None:
    """The directory and the start of the run of a master on this machine; None where there is none."""
    path = _announcement(port)
    if not is_local_host(host) or not path.exists():
        return None
    place = json.loads(path.read_text())
    directory = Path(place["directory"])
    return (directory, place["started_ns"]) if psutil.pid_exists(place["pid"]) and directory.is_dir() else None


def _announcement(port: int) -> Path:
    return _single_runs() / f".master-{port}.json"


def _single_runs() -> Path:
    return runs_directory() / SINGLE_RUNS


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


def _end(directory: Path, starter: int) -> None:
    """Make the record final, in the process that started the run; forked ones inherit the call."""
    if os.getpid() == starter:
        _run_command("close", directory)


def _run_command(step: str, directory: Path) -> None:
    environ = {**os.environ, "TRACETRACK_DATA_DIR": str(runs_directory().parent), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "loadgen.generator.manual_run", step, str(directory)]
    subprocess.run(command, check=True, cwd=REPOSITORY, env=environ)


def _scenario() -> "Scenario":
    from ..scenarios import Scenario

    return Scenario(name=NAME, description="a Locust that was started manually", kind="by-hand")


@click.group()
def main() -> None:
    """Write the record of a manual run, for the Locust that was started manually."""


@main.command("begin")
@click.argument("directory", type=click.Path(path_type=Path))
def begin_(directory: Path) -> None:
    """Write the first record of the run in DIRECTORY."""
    from .. import record_writer
    from ..run_spec import RunSpec

    spec = RunSpec(deployment="target", scenario=NAME, scale="", seed=0)
    record_writer.begin(directory, spec, _scenario(), {"name": "target", "settings": {}})


@main.command("close")
@click.argument("directory", type=click.Path(path_type=Path))
def close_(directory: Path) -> None:
    """Make the record of the run in DIRECTORY final, and print where it is."""
    from .. import record_writer

    summaries = list(directory.glob("generator-[0-9]*.json"))
    for _ in attempts(SUMMARIES_TIMEOUT_S, 0.1):
        if all(path.stat().st_size for path in summaries):
            break
    record = json.loads((directory / "run.json").read_text())
    record |= {"status": "complete", "processes": len(summaries)}
    record_writer.close(directory, record, _scenario(), "")
    click.echo(f"{record['rows']} requests recorded: {directory}")
    click.echo(f"For its page: python -m reports build --run {directory}")


if __name__ == "__main__":
    with reporting_errors():
        main(prog_name="python -m loadgen.generator.manual_run", standalone_mode=False)
