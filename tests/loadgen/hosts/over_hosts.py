"""A run over hosts on this machine: the command that waits for them, and workers, each a process of its own."""

import json
import socket
import subprocess
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pandas as pd

SECRET = "a-secret-of-the-tests-0123456789"
HOSTS_SECRET = {"TRACETRACK_HOSTS_SECRET": SECRET}
PATIENCE_S = 90
TWO_TASKS = """
from locust import FastHttpUser, task

class Visitor(FastHttpUser):
    @task(2)
    def look(self):
        self.client.get("/page", name="look")

    @task
    def find(self):
        self.client.get("/page?q=1", name="find")
"""


def free_ports():
    """A port that is free together with the next one."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


class Started:
    """A process whose output is collected while it runs."""

    def __init__(self, process: subprocess.Popen):
        self.process = process
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    @property
    def errors(self):
        return "\n".join(self.lines)

    def end(self, timeout_s=PATIENCE_S):
        """Wait for its end, and return its exit code."""
        try:
            self.process.wait(timeout_s)
        finally:
            self.process.kill()
        self._reader.join()
        return self.process.returncode

    def output(self):
        return self.process.stdout.read()


class OverHosts:
    """Starts the run and its workers; `port` is the run's."""

    def __init__(self, command, stack):
        self.command, self.port = command, free_ports()
        self._stack = stack
        self._workers = 0

    def run(self, url, locustfile, *arguments, hosts=2, **environ):
        given = ("run", "--target", url, "--hosts", str(hosts), "--bind", f"127.0.0.1:{self.port}")
        own = ("--locustfile", locustfile) if locustfile else ()
        return self._start(given + own + arguments, environ)

    def worker(self, locustfile, *arguments, **environ):
        self._workers += 1
        own = ("--locustfile", locustfile) if locustfile else ()
        lock = {"TRACETRACK_MACHINE_LOCK": f"test-worker-{self.port}-{self._workers}"}
        return self._start(("worker", "--master", f"127.0.0.1:{self.port}", *own, *arguments), lock | environ)

    def _start(self, arguments, environ):
        started = Started(self.command.start(*arguments, **(HOSTS_SECRET | environ)))
        self._stack.callback(started.process.stdout.close)
        self._stack.callback(started.process.stderr.close)
        self._stack.callback(started.process.wait)
        self._stack.callback(started.process.kill)
        return started


@contextmanager
def over_hosts(command):
    with ExitStack() as stack:
        yield OverHosts(command, stack)


def recorded(directory):
    """The record and the rows of a run."""
    directory = Path(directory)
    return json.loads((directory / "run.json").read_text()), pd.read_parquet(directory / "requests.parquet")


def counts(rows):
    """The requests by phase, endpoint and process of two, and the intended sends in each process from its first."""
    parts = rows.assign(process=rows["user"] % 2)
    due_us = {
        process: (part["scheduled_us"].sort_values() - part["scheduled_us"].min()).tolist()
        for process, part in parts.groupby("process")
    }
    return parts.groupby(["phase", "endpoint", "process"]).size().to_dict(), due_us


def assert_same_counts(one, other):
    (sizes, due_us), (other_sizes, other_due_us) = counts(one), counts(other)
    assert sizes == other_sizes
    for process, times in due_us.items():
        differences = [abs(time - same) for time, same in zip(times, other_due_us[process], strict=True)]
        assert max(differences) <= 2  # of rounding
