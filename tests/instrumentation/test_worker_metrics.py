"""The mapped file of the workers' metrics: slots, consistent reads, and the counters that it was created for."""

import os
import re
import stat
from dataclasses import replace

import pytest

from instrumentation.monitor_file import MonitorFile
from instrumentation.worker_metrics import FIXED_FIELDS, MetricsFileError, WorkerMetrics
from reference_app.counters import COUNTERS

OWN_COUNTERS = ("orders", "refunds")


def test_a_worker_beyond_the_slots_serves_uncounted(make_app, settings, tmp_path, monkeypatch):
    metrics = WorkerMetrics.create(tmp_path / "metrics", workers=1, counters=COUNTERS)
    monkeypatch.setenv("TRACETRACK_WORKER", str(metrics.slots))
    client = make_app(replace(settings, readings_file=str(tmp_path / "metrics"))).test_client()
    assert client.get("/health").status_code == 200
    assert metrics.read() == {}


def test_the_files_of_workers_are_the_owners_only(tmp_path):
    before = os.umask(0)
    try:
        WorkerMetrics.create(tmp_path / "metrics", workers=1, counters=())
        MonitorFile.create(tmp_path / "monitor", sections=1)
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()] == [0o600, 0o600]


def test_a_restarted_worker_starts_at_zero(tmp_path):
    slot = WorkerMetrics.create(tmp_path / "metrics", workers=1, counters=OWN_COUNTERS).slot(0)
    slot.reset()
    slot.count("timeouts", 7)
    slot.count("refunds", 2)
    slot.reset()
    (values,) = WorkerMetrics.open(tmp_path / "metrics", OWN_COUNTERS).read().values()
    assert (values["pid"], values["timeouts"], values["refunds"]) == (os.getpid(), 0, 0)
    assert tuple(values) == (*FIXED_FIELDS, *OWN_COUNTERS)


@pytest.mark.parametrize("killed_during_a_change", [False, True])
def test_a_read_never_returns_half_of_a_change(tmp_path, killed_during_a_change):
    slot = WorkerMetrics.create(tmp_path / "metrics", workers=1, counters=()).slot(0)
    slot.reset()
    slot.count("limit")
    if killed_during_a_change:
        slot.memory[0] |= 1
        slot = WorkerMetrics.open(tmp_path / "metrics", ()).slot(0)
        slot.reset()
        slot.count("limit", 9)
    (values,) = WorkerMetrics.open(tmp_path / "metrics", ()).read().values()
    assert values["version"] % 2 == 0
    assert values["limit"] == (9 if killed_during_a_change else 1)


def test_counters_of_the_application_are_counted_apart_for_each_worker(tmp_path):
    metrics = WorkerMetrics.create(tmp_path / "metrics", workers=2, counters=OWN_COUNTERS)
    for worker in (0, 1):
        metrics.slot(worker).reset()
        metrics.slot(worker).count("refunds", worker + 1)
    workers = WorkerMetrics.open(tmp_path / "metrics", OWN_COUNTERS).read()
    assert {worker: (values["orders"], values["refunds"]) for worker, values in workers.items()} == {
        0: (0, 1),
        1: (0, 2),
    }


@pytest.mark.parametrize("counters", [(), ("orders",), ("refunds", "orders"), (*OWN_COUNTERS, "returns"), COUNTERS])
def test_a_file_of_other_counters_is_refused_with_both_lists(tmp_path, counters):
    WorkerMetrics.create(tmp_path / "metrics", workers=1, counters=OWN_COUNTERS)
    message = (
        f"metrics was created for the counters {list(OWN_COUNTERS)}, but this application declares {list(counters)}"
    )
    with pytest.raises(MetricsFileError, match=re.escape(message)):
        WorkerMetrics.open(tmp_path / "metrics", counters)


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\0" * 4096, b"nonsense\n", b'["orders"]\n', b"7\n", b'{"fields": []}\n', b"[" * 70_000]
)
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / "metrics").write_bytes(content)
    with pytest.raises(MetricsFileError, match="metrics is not a file of worker metrics"):
        WorkerMetrics.open(tmp_path / "metrics", OWN_COUNTERS)


@pytest.mark.parametrize("counters", [("orders", "orders"), ("pid",), ("timeouts",)])
def test_a_counter_name_that_is_used_twice_is_refused(counters):
    with pytest.raises(ValueError, match="declared twice"):
        WorkerMetrics.private(counters)
