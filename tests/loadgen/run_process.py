"""A run in progress, and its processes."""

import json

import psutil
import pytest

from workbench.polling import attempts
from workbench.request_schema import STREAMS
from workbench.request_stream import read_stream


def wait_for(condition, seconds, description):
    """The first true value of the condition; fails the test if there is none in time."""
    for _ in attempts(seconds, 0.05):
        if value := condition():
            return value
    return pytest.fail(f"no {description} after {seconds} s")


class RunProcess:
    """The process of a run under load, from the first rows on disk on."""

    def __init__(self, command, arguments):
        before = command.runs()
        self.process = command.start(*arguments)
        wait_for(lambda: self.child("loadgen.generator"), 40, "Locust")
        (self.directory,) = command.runs() - before
        wait_for(lambda: self.rows() > 0, 20, "row")

    def child(self, module):
        """The first process among the children that runs the module."""
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
        """The PostgreSQL that the command started: the one with children of its own."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next(child for child in children if child.name() == "postgres" and child.children())

    def batches(self):
        return [batch for path in self.directory.glob(STREAMS) for batch in read_stream(path)]

    def rows(self):
        """The number of rows on disk."""
        return sum(batch.num_rows for batch in self.batches())

    def last_start_us(self):
        """The send of the last request on disk."""
        return max(start_us for batch in self.batches() for start_us in batch["start_us"].to_pylist())

    def record(self):
        return json.loads((self.directory / "run.json").read_text())
