"""Workers with an event loop: numbered, ready, replaced after a crash, stopped without a trace."""

import json
import urllib.request
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from instrumentation.worker_metrics import WorkerMetrics
from loadgen import application
from reference_app.counters import COUNTERS
from tests.processes import wait_until


@pytest.fixture
def settings(settings):
    return replace(settings, server="uvicorn", driver="psycopg3", sessions="cookie", workers=2, warm_up=True)


def workers(served):
    return psutil.Process(served.child.pid).children()


def test_every_worker_takes_a_slot_and_counts_itself_as_ready(serve, settings, tmp_path):
    served = serve(settings)
    (file,) = tmp_path.glob("metrics-*")
    values = WorkerMetrics.open(Path(file), COUNTERS).read()
    assert sorted(values) == [0, 1]
    assert [each["ready"] for each in values.values()] == [1, 1]
    assert {each["pid"] for each in values.values()} == {worker.pid for worker in workers(served)}
    assert min(each["creates"] for each in values.values()) >= settings.pool_size, "each pool is warm"


def test_a_killed_worker_is_replaced_in_its_slot(serve, settings, tmp_path):
    served = serve(settings)
    (file,) = tmp_path.glob("metrics-*")
    metrics = WorkerMetrics.open(Path(file), COUNTERS)
    killed = metrics.read()[1]["pid"]
    psutil.Process(killed).kill()
    wait_until(lambda: metrics.read().get(1, {}).get("ready") and metrics.read()[1]["pid"] != killed)
    with urllib.request.urlopen(f"{served.url}/health") as answer:
        assert json.load(answer)["status"] == "ok"


def test_the_workers_end_with_the_server_and_log_no_error(settings, tmp_path):
    log = tmp_path / "gunicorn.log"
    with application.serve(settings, log) as served:
        processes = workers(served)
        assert len(processes) == 2
    assert not any(process.is_running() for process in processes)
    assert log.read_text() == ""
