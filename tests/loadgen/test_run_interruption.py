"""Whatever ends a run, none of its processes outlives it and its rows can be read."""

import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.loadgen.run_process import RunProcess, wait_for
from workbench.request_schema import STREAMS

PATIENCE_S = 10
SUSTAINED = ("run", "--deployment", "as-measured", "--scenario", "sustained-100", "--scale", "small")


@pytest.fixture
def running(command):
    started = RunProcess(command, SUSTAINED)
    with started.process:
        yield started
        started.process.kill()


def require_nothing_left(command):
    deadline = time.monotonic() + PATIENCE_S
    while (left := command.processes()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_all_of_it(command, running, number):
    assert len(command.processes()) > 5
    rows = running.rows()
    running.process.send_signal(number)
    asked_s = time.monotonic()
    _, said = running.process.communicate(timeout=PATIENCE_S)
    require_nothing_left(command)
    assert time.monotonic() - asked_s < PATIENCE_S
    assert "Traceback" not in said
    if number == signal.SIGKILL:
        assert running.rows() >= rows
        assert running.record()["status"] == "running"
        return
    assert running.process.returncode == 128 + number
    assert "can be read" in said
    record = running.record()
    assert (record["status"], record["valid"]) == ("aborted", False)
    assert record["rows"] >= rows
    assert (running.directory / "requests.parquet").exists()


def test_a_run_whose_server_is_killed_says_so(command, running):
    running.child("gunicorn").kill()
    _, said = running.process.communicate(timeout=PATIENCE_S)
    require_nothing_left(command)
    assert running.process.returncode == 1
    assert "gunicorn ended in mid-run" in said
    assert "Traceback" not in said
    assert running.record()["status"] == "aborted"
    assert "gunicorn" in running.record()["reasons"][0]


def test_a_run_whose_database_is_killed_says_so(command, running):
    running.postmaster().kill()
    _, said = running.process.communicate(timeout=PATIENCE_S)
    require_nothing_left(command)
    assert running.process.returncode == 1
    assert "PostgreSQL ended in mid-run" in said
    assert "Traceback" not in said
    assert running.record()["status"] == "aborted"
    assert (running.directory / "requests.parquet").exists()


def test_a_disk_that_fills_in_mid_run_says_so(own_command, mount, server):
    before = mount.before(own_command.data, "size=1100m")
    with own_command.start(*SUSTAINED, before=before, DATABASE_URL=server.url) as process:
        # The file system is the command's own: we reach it through the command.
        data = Path(f"/proc/{process.pid}/root{own_command.data}")
        wait_for(lambda: any(path.stat().st_size for path in data.glob(f"runs/*/*/{STREAMS}")), 40, "row")
        fill(data / "ballast")
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "No space left on device" in said.splitlines()[-1]
    assert "free some space" in said
    assert "Traceback" not in said
    assert own_command.processes() == []


def fill(path):
    with path.open("wb", buffering=0) as ballast, suppress(OSError):
        while True:
            ballast.write(bytes(2**20))


def test_a_database_that_is_frozen_holds_nobody_back(command, running):
    postmaster = running.postmaster()
    family = [postmaster, *postmaster.children(recursive=True)]
    for process in family:
        process.suspend()
    running.process.send_signal(signal.SIGINT)
    _, said = running.process.communicate(timeout=40)
    require_nothing_left(command)
    assert running.process.returncode == 130
    assert "Traceback" not in said
    assert running.record()["status"] == "aborted"
