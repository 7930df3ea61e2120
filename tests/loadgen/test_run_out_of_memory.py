"""The kernel's killer takes a process of the system under test: that is an outcome of a valid run."""

import pandas as pd
import pytest

from tests.loadgen.finished_run import reasons_apart_from_lag
from tests.loadgen.run_process import RunProcess, wait_for

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
    """What was printed, the record and the rows."""
    output, said = running.process.communicate(timeout=PATIENCE_S)
    assert running.process.returncode == 0, said
    assert output.splitlines() == [str(running.directory)]
    record = running.record()
    assert (record["status"], reasons_apart_from_lag(record)) == ("complete", [])
    return said, record, pd.read_parquet(running.directory / "requests.parquet")


def test_of_the_database(running):
    """PostgreSQL ends all sessions when one of its processes is killed, and comes back; so does the reading of it."""
    backend = wait_for(lambda: _backend(running.postmaster()), 10, "session of the application")
    killed_us = running.last_start_us()
    backend.kill()
    said, record, rows = outcome(running)
    assert record["database_lost"] == 1
    assert "A connection to PostgreSQL broke once in mid-run" in said
    readings = pd.read_parquet(running.directory / "database.parquet")
    assert set(readings["source"]) == {"activity"}  # what it counted began anew
    assert readings["at_us"].max() > killed_us + 2_000_000
    assert rows.loc[rows["start_us"] > killed_us + 5_000_000, "ok"].all()


def test_of_the_application(running):
    (worker, *_) = running.child("gunicorn").children()
    worker.kill()
    _, record, rows = outcome(running)
    assert record["served"] is None  # a worker's count went with it
    assert rows.loc[rows["start_us"] > rows["start_us"].max() - 2_000_000, "ok"].all()


def _backend(postmaster):
    """A session in the run's database, by its title; the workbench's own is in that for maintenance."""
    titles = {child: " ".join(child.cmdline()) for child in postmaster.children()}
    return next((one for one, title in titles.items() if " 127.0.0.1(" in title and " postgres 127" not in title), None)
