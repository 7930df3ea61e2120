"""The server of a run ends with it, also when only a part of it was killed."""

import re
import signal
import tempfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from instrumentation.worker_metrics import Readings
from loadgen import application


def test_an_idle_worker_whose_master_was_killed_is_ended(settings, tmp_path):
    with application.serve(settings, tmp_path / "gunicorn.log") as served:
        workers = psutil.Process(served.child.pid).children()
        assert len(workers) == settings.workers
        served.child.process.send_signal(signal.SIGKILL)
        served.child.process.wait()
    _, alive = psutil.wait_procs(workers, timeout=2)
    assert alive == []


LATE = """
import os, time
from reference_app import create_app

def made():
    if os.environ["TRACETRACK_WORKER"] != "0":
        time.sleep({late_s})
    return create_app()
"""


@pytest.fixture
def late(settings, tmp_path, monkeypatch):
    """Serves two workers, of which the second takes its time to start."""

    def serve(late_s):
        (tmp_path / "late.py").write_text(LATE.format(late_s=late_s))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        file = tmp_path / "readings"
        Readings.create(file, 2)
        two = replace(settings, workers=2, server="gthread", threads=2, readings_file=str(file))
        return application.serve(two, tmp_path / "gunicorn.log", wsgi_app="late:made()")

    return serve


def test_it_is_up_when_every_worker_is(late, tmp_path):
    with late(1.5):
        readings = Readings.open(tmp_path / "readings").read()
        assert {worker: reading["ready"] for worker, reading in readings.items()} == {0: 1, 1: 1}


def test_a_worker_that_never_gets_ready_is_told(late, monkeypatch):
    monkeypatch.setattr(application, "READY_TIMEOUT_S", 1.0)
    with pytest.raises(application.NotStarted, match="1 of 2 workers are ready"), late(60):
        pass


@pytest.fixture
def get():
    """The status and the text of an address."""

    def ask(url):
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""

    return ask


def test_greenlets_keep_their_own_deadlines(settings, tmp_path, get):
    """Acquires that overlap for longer than any of them may take: each has its own time, not that of the oldest."""
    crowded = replace(
        settings,
        server="gevent",
        pool_size=2,
        pool_max_overflow=0,
        deadlines=True,
        connect_timeout_s=1,
        pool_timeout_s=5,
    )
    with application.serve(crowded, tmp_path / "gunicorn.log") as served, ThreadPoolExecutor(16) as callers:
        end_s = time.monotonic() + 3

        def call(_):
            seen = set()
            while time.monotonic() < end_s:
                seen.add(get(f"{served.url}/health")[0])
            return seen

        assert set().union(*callers.map(call, range(16))) == {200}


def pools(text):
    return set(re.findall(r'db_client_connection_max\{db_client_connection_pool_name="(.+?)"\}', text))


def test_the_pools_of_all_workers_are_told_and_those_of_ended_ones_are_not(settings, tmp_path, get):
    """Without a file of somebody's, as anybody would run it."""
    before = set(Path(tempfile.gettempdir()).glob("tracetrack-readings-*"))
    with application.serve(replace(settings, workers=2), tmp_path / "gunicorn.log") as served:
        assert pools(get(f"{served.url}/metrics")[1]) == {"worker-0", "worker-1"}
        old = {process.pid for process in psutil.Process(served.child.pid).children()}
        served.child.process.send_signal(signal.SIGHUP)
        deadline_s = time.monotonic() + 10
        while old & {process.pid for process in psutil.Process(served.child.pid).children()}:
            assert time.monotonic() < deadline_s
            time.sleep(0.1)
        time.sleep(0.3)
        assert len(pools(get(f"{served.url}/metrics")[1])) == 2
    assert set(Path(tempfile.gettempdir()).glob("tracetrack-readings-*")) <= before
