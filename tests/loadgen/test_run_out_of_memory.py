"""Runs in which the kernel kills a process of the system under test for want of memory: an outcome of a valid run."""

import pandas as pd
import pytest

from tests.loadgen.finished_run import reasons_apart_from_lag
from tests.loadgen.run_process import RunProcess, wait_for

pytestmark = pytest.mark.exclusive  # how long the system takes to recover

PATIENCE_S = 60
LOAD = ("run", "--deployment", "tuned", "--scenario", "sustained-40", "--scale", "small")
SHORT = ("--duration", "10", "--warmup", "0")


@pytest.fixture
def running(command):
    started = RunProcess(command, (*LOAD, *SHORT))
    with started.process:
        yield started
        started.process.kill()


def outcome(running):
    """The error output, the record and the rows of a run that ended well."""
    output, errors = running.process.communicate(timeout=PATIENCE_S)
    assert running.process.returncode == 0, errors
    assert output.splitlines() == [str(running.directory)]
    record = running.record()
    assert (record["status"], reasons_apart_from_lag(record)) == ("complete", [])
    return errors, record, pd.read_parquet(running.directory / "requests.parquet")


def test_after_a_killed_backend_the_database_and_its_readings_recover(running):
    """PostgreSQL ends all sessions when one of its processes is killed, and restarts."""
    backend = wait_for(lambda: _backend(running.postmaster()), 10, "session of the application")
    killed_us = running.last_start_us()
    backend.kill()
    errors, record, rows = outcome(running)
    assert record["database_lost"] == 1
    assert "A connection to PostgreSQL broke once in mid-run" in errors
    readings = pd.read_parquet(running.directory / "database.parquet")
    assert set(readings["source"]) == {"activity"}  # its counters were reset
    assert readings["at_us"].max() > killed_us + 2_000_000
    assert rows.loc[rows["start_us"] > killed_us + 5_000_000, "ok"].all()


def test_after_a_killed_worker_the_application_recovers(running):
    (worker, *_) = running.child("gunicorn").children()
    worker.kill()
    _, record, rows = outcome(running)
    assert record["served"] is None  # the count of a worker is lost with it
    assert rows.loc[rows["start_us"] > rows["start_us"].max() - 2_000_000, "ok"].all()


def _backend(postmaster):
    """A session in the run's database, by its process title; that of the workbench is in the maintenance database."""
    titles = {child: " ".join(child.cmdline()) for child in postmaster.children()}
    return next(
        (child for child, title in titles.items() if " 127.0.0.1(" in title and " postgres 127" not in title), None
    )
