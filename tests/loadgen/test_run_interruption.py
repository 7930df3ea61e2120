"""Interrupted runs: none of the processes outlives the run, and its rows can be read."""

import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.loadgen.run_process import RunProcess, wait_for
from workbench.polling import attempts
from workbench.request_schema import STREAMS

PATIENCE_S = 10
SUSTAINED = ("run", "--deployment", "as-measured", "--scenario", "sustained-100", "--scale", "small")


@pytest.fixture
def running(command):
    started = RunProcess(command, SUSTAINED)
    with started.process:
        yield started
        started.process.kill()


def require_no_processes(command):
    for _ in attempts(PATIENCE_S, 0.1):
        if not (left := command.processes()):
            return
    pytest.fail(f"still running: {left}")


OTHER_SIGNALS = [pytest.param(number, marks=pytest.mark.exhaustive) for number in (signal.SIGINT, signal.SIGHUP)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, *OTHER_SIGNALS])
def test_a_signal_ends_all_processes_of_a_run(command, running, number):
    assert len(command.processes()) > 5
    rows = running.rows()
    running.process.send_signal(number)
    sent_s = time.monotonic()
    _, errors = running.process.communicate(timeout=PATIENCE_S)
    require_no_processes(command)
    assert time.monotonic() - sent_s < PATIENCE_S
    assert "Traceback" not in errors
    if number == signal.SIGKILL:
        assert running.rows() >= rows
        assert running.record()["status"] == "running"
        return
    assert running.process.returncode == 130
    assert "can be read" in errors
    record = running.record()
    assert (record["status"], record["valid"]) == ("aborted", False)
    assert record["rows"] >= rows
    assert (running.directory / "requests.parquet").exists()


def test_a_killed_server_aborts_the_run_and_is_named(command, running):
    running.child("gunicorn").kill()
    _, errors = running.process.communicate(timeout=PATIENCE_S)
    require_no_processes(command)
    assert running.process.returncode == 1
    assert "gunicorn ended in mid-run" in errors
    assert "Traceback" not in errors
    assert running.record()["status"] == "aborted"
    assert "gunicorn" in running.record()["reasons"][0]


def test_a_killed_database_aborts_the_run_and_is_named(command, running):
    running.postmaster().kill()
    _, errors = running.process.communicate(timeout=PATIENCE_S)
    require_no_processes(command)
    assert running.process.returncode == 1
    assert "PostgreSQL ended in mid-run" in errors
    assert "Traceback" not in errors
    assert running.record()["status"] == "aborted"
    assert (running.directory / "requests.parquet").exists()


def test_a_disk_that_fills_in_mid_run_is_reported(own_command, mount, server):
    before = mount.before(own_command.data, "size=1100m")
    with own_command.start(*SUSTAINED, before=before, DATABASE_URL=server.url) as process:
        # The file system belongs to the command, and is reached through its process.
        data = Path(f"/proc/{process.pid}/root{own_command.data}")
        wait_for(lambda: any(path.stat().st_size for path in data.glob(f"runs/*/*/{STREAMS}")), 40, "row")
        fill(data / "ballast")
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "No space left on device" in errors.splitlines()[-1]
    assert "free some space" in errors
    assert "Traceback" not in errors
    assert own_command.processes() == []


def fill(path):
    with path.open("wb", buffering=0) as ballast, suppress(OSError):
        while True:
            ballast.write(bytes(2**20))


@pytest.mark.exhaustive
def test_a_frozen_database_does_not_delay_the_end(command, running):
    postmaster = running.postmaster()
    family = [postmaster, *postmaster.children(recursive=True)]
    for process in family:
        process.suspend()
    running.process.send_signal(signal.SIGINT)
    _, errors = running.process.communicate(timeout=40)
    require_no_processes(command)
    assert running.process.returncode == 130
    assert "Traceback" not in errors
    assert running.record()["status"] == "aborted"
