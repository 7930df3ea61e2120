"""A run that is going on, and its processes."""

import json
import time

import psutil
import pytest

from workbench.request_schema import STREAMS, read_stream


def wait_for(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"no {what} after {seconds} s"
        time.sleep(0.05)
    return value


class Running:
    """A run under load, with rows on disk."""

    def __init__(self, command, arguments):
        before = command.runs()
        self.process = command.start(*arguments)
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

    def postmaster(self):
        """The server that the command started: the PostgreSQL among its children with children of its own."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next(child for child in children if child.name() == "postgres" and child.children())

    def batches(self):
        return [batch for path in self.directory.glob(STREAMS) for batch in read_stream(path)]

    def rows(self):
        return sum(batch.num_rows for batch in self.batches())

    def last_start_us(self):
        """When the last request was sent that is on disk."""
        return max(start_us for batch in self.batches() for start_us in batch["start_us"].to_pylist())

    def record(self):
        return json.loads((self.directory / "run.json").read_text())
