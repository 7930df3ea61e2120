"""The application of a run: ready when it starts, and ended completely, also when only a part of it was killed."""

import re
import signal
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import psutil
import pytest

from instrumentation.worker_metrics import WorkerMetrics
from loadgen import application
from reference_app.counters import COUNTERS
from workbench.polling import attempts


def test_serve_ends_an_idle_worker_whose_master_was_killed(settings, tmp_path):
    with application.serve(settings, tmp_path / "gunicorn.log") as served:
        workers = psutil.Process(served.child.pid).children()
        assert len(workers) == settings.workers
        served.child.process.send_signal(signal.SIGKILL)
        served.child.process.wait()
    _, alive = psutil.wait_procs(workers, timeout=2)
    assert alive == []


@pytest.mark.parametrize("server_kind", [{"server": "gthread"}, {"server": "granian", "body_timeout_s": 0}])
def test_serve_listens_on_this_machine_only(settings, tmp_path, server_kind):
    with application.serve(replace(settings, **server_kind), tmp_path / "server.log") as served:
        master = psutil.Process(served.child.pid)
        processes = [master, *master.children(recursive=True)]
        connections = [each for process in processes for each in process.net_connections("tcp")]
    assert {each.laddr.ip for each in connections if each.status == "LISTEN"} == {"127.0.0.1"}


def test_starting_application_does_not_use_its_database_before_its_start_signal(settings, server, database, tmp_path):
    def sessions():
        with closing(server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT sessions FROM pg_stat_database WHERE datname = %s", (database,))
            return cursor.fetchone()[0]

    before = sessions()
    with application.starting(settings, tmp_path / "gunicorn.log", start_signal=tmp_path / "signal") as starting:
        master = psutil.Process(starting.child.pid)
        # Its imports are over when it sleeps.
        assert any(
            "gunicorn_conf" in str(master.cmdline()) and master.cpu_times().user > 0.2 for _ in attempts(20, 0.05)
        )
        time.sleep(1.0)
        assert sessions() == before
        assert master.children() == []
        served = starting.complete()
        assert served.health["status"] == "ok"
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
    assert any(sessions() > before for _ in attempts(10, 0.05))


SLOW_APPLICATION = """
import os, time
from reference_app import create_app

def slow_app():
    if os.environ["TRACETRACK_WORKER"] != "0":
        time.sleep({start_s})
    return create_app()
"""


@pytest.fixture
def serve_slow(settings, tmp_path, monkeypatch):
    """Serves two workers, of which the second takes some seconds to start."""

    def serve(start_s):
        (tmp_path / "slow.py").write_text(SLOW_APPLICATION.format(start_s=start_s))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        file = tmp_path / "metrics"
        WorkerMetrics.create(file, 2, COUNTERS)
        two = replace(settings, workers=2, server="gthread", threads=2, readings_file=str(file))
        return application.serve(two, tmp_path / "gunicorn.log", wsgi_app="slow:slow_app()")

    return serve


def test_serve_waits_until_every_worker_is_ready(serve_slow, tmp_path):
    with serve_slow(1.5):
        workers = WorkerMetrics.open(tmp_path / "metrics", COUNTERS).read()
        assert {worker: values["ready"] for worker, values in workers.items()} == {0: 1, 1: 1}


def test_serve_reports_a_worker_that_does_not_get_ready(serve_slow, monkeypatch):
    monkeypatch.setattr(application, "READY_TIMEOUT_S", 1.0)
    with pytest.raises(application.StartError, match="1 of 2 workers are ready"), serve_slow(60):
        pass


@pytest.fixture
def get():
    """Returns the status and the text of a URL."""

    def get(url):
        try:
            with urllib.request.urlopen(url, timeout=20) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""

    return get


def test_acquires_of_greenlets_have_their_own_deadlines(settings, tmp_path, get):
    """Overlapping acquires together take longer than each of them may: each has a deadline of its own."""
    small_pool = replace(
        settings,
        server="gevent",
        pool_size=2,
        pool_max_overflow=0,
        deadlines=True,
        connect_timeout_s=1,
        pool_timeout_s=5,
    )
    with application.serve(small_pool, tmp_path / "gunicorn.log") as served, ThreadPoolExecutor(16) as callers:
        end_s = time.monotonic() + 3

        def call(_):
            statuses = set()
            while time.monotonic() < end_s:
                statuses.add(get(f"{served.url}/health")[0])
            return statuses

        assert set().union(*callers.map(call, range(16))) == {200}


def pools(text):
    """The names of the pools in the text of `/metrics`."""
    return set(re.findall(r'db_client_connection_max\{db_client_connection_pool_name="(.+?)"\}', text))


def test_metrics_has_the_pools_of_living_workers_only(settings, tmp_path, get, monkeypatch):
    """The server creates the metrics file itself, as outside of the workbench, and removes it."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # other servers of this machine have files in the usual one
    with application.serve(replace(settings, workers=2), tmp_path / "gunicorn.log") as served:
        # Nothing waits for all workers here: the first one answers while the second is starting.
        for _ in attempts(20, 0.05):
            if pools(get(f"{served.url}/metrics")[1]) == {"worker-0", "worker-1"}:
                break
        else:
            pytest.fail("the second worker has no pool")
        assert len(list(tmp_path.glob("tracetrack-readings-*"))) == 1
        old = {process.pid for process in psutil.Process(served.child.pid).children()}
        served.child.process.send_signal(signal.SIGHUP)
        for _ in attempts(10, 0.1):
            if not old & {process.pid for process in psutil.Process(served.child.pid).children()}:
                break
        else:
            pytest.fail("the old workers have not ended")
        for _ in attempts(20, 0.1):
            if len(pools(get(f"{served.url}/metrics")[1])) == 2:
                break
        else:
            pytest.fail("the pools are not those of the two new workers")
    assert list(tmp_path.glob("tracetrack-readings-*")) == []
