"""Load generators are run for real: at saturation on Granian, and at a fixed rate through a stall."""

import os

import pytest

from bench.peers import counting_server, generator_runs
from bench.peers.counting_server import counting_server as serving
from bench.peers.generator_runs import RunFailed
from bench.peers.load_generators import GENERATORS, Job
from bench.peers.planned_load import PlannedLoad
from bench.peers.timed_service import timed_service

BY_NAME = {generator.name: generator for generator in GENERATORS}
STALLED = PlannedLoad(rate_rps=50, duration_s=3, stall_at_s=1)


@pytest.fixture
def core():
    """A core that this process may use."""
    return min(os.sched_getaffinity(0))


@pytest.fixture
def granian(tmp_path, core, monkeypatch):
    """The server of a machine without nginx."""
    monkeypatch.setattr(counting_server, "SYSTEM_PATH", str(tmp_path))
    with serving(tmp_path, core) as server:
        yield server


def test_a_generator_at_saturation_is_counted_by_the_server(granian, tmp_path, core):
    job = Job(granian.url, tmp_path, 8, connections=4)
    run = generator_runs.saturate(BY_NAME["recorded"], job, granian, core, measured_s=1)
    assert granian.label.startswith("Granian ")
    assert run.requests > 100
    assert run.seconds == pytest.approx(1, abs=0.5)
    assert 0 < run.cpu_s <= run.seconds * 1.1
    assert run.server_cpu_s > 0


def test_a_generator_that_sends_nothing_is_a_failed_run(granian, tmp_path, core):
    job = Job("http://127.0.0.1:1", tmp_path, 2, connections=1)
    with pytest.raises(RunFailed, match="sent no load"):
        generator_runs.saturate(BY_NAME["http"], job, granian, core, measured_s=1)


@pytest.mark.parametrize(("name", "lowest", "highest"), [("workbench", 0.9, 1.1), ("fasthttp", 0.0, 1.1)])
def test_what_is_reported_of_a_stall_stands_beside_the_truth(tmp_path, core, name, lowest, highest):
    with timed_service(STALLED, tmp_path, core) as service:
        job = Job(service.url, tmp_path, STALLED.duration_s, 20, STALLED.rate_rps)
        reported_ms = generator_runs.keep_pace(BY_NAME[name], job, STALLED, core)
    run = generator_runs.beside_truth(BY_NAME[name], reported_ms, STALLED, service)
    assert run.stall
    assert (run.due, run.true_ms.keys()) == (150, {"p50", "p95", "p99", "p99.9"})
    assert run.true_ms["p99"] > 900
    assert lowest <= run.reported_ms["p99"] / run.true_ms["p99"] <= highest
