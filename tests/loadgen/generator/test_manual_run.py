"""Runs of a Locust that was started manually, recorded by `from loadgen.generator import recording`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from loadgen.services import free_port
from tests.loadgen.finished_run import reasons_apart_from_lag
from tests.loadgen.page_server import LOCUSTFILE
from workbench.paths import REPOSITORY


@pytest.fixture
def start_manually(command, pages, tmp_path):
    """Starts Locust without the workbench, with a locustfile that imports the recording."""
    (tmp_path / "mine.py").write_text(f"from loadgen.generator import recording\n{LOCUSTFILE}")
    load = ("--headless", "--users", "4", "--spawn-rate", "4", "--host", pages, "--only-summary")

    def start(*arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "locust", "-f", str(tmp_path / "mine.py"), *load, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY,
            env={**os.environ, "TRACETRACK_DATA_DIR": str(command.data)},
        )  # fmt: skip

    return start


@pytest.mark.parametrize("processes", [1, 2])
def test_a_manual_run_is_recorded_by_one_import(start_manually, processes):
    output, _ = start_manually("--run-time", "2", "--processes", str(processes)).communicate(timeout=60)
    summary = next(line for line in output.splitlines() if " requests recorded: " in line)
    directory = Path(summary.partition(" requests recorded: ")[2])
    requests, record = pd.read_parquet(directory / "requests.parquet"), json.loads((directory / "run.json").read_text())
    assert len(requests) == int(summary.split()[0]) == record["generator"]["requests"] > 10
    assert set(requests["endpoint"]) == {"GET /page", "GET missing"}
    assert not requests.duplicated(["user", "sequence"]).any()
    assert (record["status"], record["processes"], reasons_apart_from_lag(record)) == ("complete", processes, [])


def test_a_master_and_workers_that_are_started_one_by_one_are_one_run(start_manually):
    """Each worker has half of the users; the workers' tables of Locust are empty, the master's has all requests."""
    port = str(free_port())
    workers = [start_manually("--worker", "--master-port", port) for _ in range(2)]
    master = ("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--expect-workers", "2")
    output, _ = start_manually(*master, "--run-time", "2").communicate(timeout=60)
    printed = [worker.communicate(timeout=30)[0] for worker in workers]
    (summary,) = (line for line in output.splitlines() if " requests recorded: " in line)
    directory = Path(summary.partition(" requests recorded: ")[2])
    requests, record = pd.read_parquet(directory / "requests.parquet"), json.loads((directory / "run.json").read_text())
    assert not any("requests recorded" in text for text in printed)
    assert len(requests) == record["generator"]["requests"] > 10
    assert requests["user"].nunique() == 4
    assert (record["processes"], record["generator"]["parts_elsewhere"]) == (2, 0)


def test_a_killed_manual_run_can_be_shown(command, start_manually):
    before = command.runs()
    with start_manually() as process:
        (stream,) = command.streams(before, 1)
        process.kill()
        process.communicate(timeout=30)
    shown = subprocess.run(
        [sys.executable, "-m", "analysis", "show", str(stream.parent)], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert shown.returncode == 0, shown.stderr
    assert "target under by-hand, cut off" in shown.stdout
    assert "GET /page" in shown.stdout
