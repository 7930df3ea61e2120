"""Whatever ends a run, none of its processes outlives it and its rows can be read."""

import json
import signal
import time

import psutil
import pytest

from loadgen.recorder import STREAMS, read_stream

PATIENCE_S = 10


def wait_for(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"no {what} after {seconds} s"
        time.sleep(0.05)
    return value


class Running:
    """A run under load, with rows on disk."""

    def __init__(self, command):
        before = command.runs()
        self.process = command.start(
            "run", "--deployment", "as-measured", "--scenario", "sustained-100", "--scale", "small"
        )
        wait_for(lambda: self.child("locust"), 40, "Locust")
        (self.directory,) = command.runs() - before
        wait_for(lambda: self.rows() > 0, 20, "row")

    def child(self, module):
        """The first process of the module among the children."""
        if self.process.poll() is not None:
            pytest.fail(self.process.stderr.read())
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if child.cmdline()[1:3] == ["-m", module]:
                    return child
            except psutil.Error:
                continue
        return None

    def rows(self):
        return sum(batch.num_rows for path in self.directory.glob(STREAMS) for batch in read_stream(path))

    def record(self):
        return json.loads((self.directory / "run.json").read_text())


@pytest.fixture
def running(command):
    started = Running(command)
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
