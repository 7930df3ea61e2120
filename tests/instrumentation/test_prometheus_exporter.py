"""The pools in Prometheus' words."""

import os
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from instrumentation.worker_metrics import FIELDS, Readings
from reference_app.database import connection


def samples(answer):
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {(s.name, tuple(s.labels.values())): s.value for family in families for s in family.samples}


def test_the_pool_is_told_under_opentelemetrys_names(app):
    with app.app_context(), connection(), connection():
        held = samples(app.test_client().get("/metrics"))
    assert held["db_client_connection_count", ("worker-0", "used")] == 2
    assert held["db_client_connection_count", ("worker-0", "idle")] == 0
    assert held["db_client_connection_max", ("worker-0",)] == 22
    assert held["db_client_connection_pending_requests", ("worker-0",)] == 0
    assert held["db_client_connection_timeouts_total", ("worker-0",)] == 0
    after = samples(app.test_client().get("/metrics"))
    assert after["db_client_connection_count", ("worker-0", "idle")] == 2
    assert after["db_client_connection_use_time_seconds_count", ("worker-0",)] == 2
    assert 0 < after["db_client_connection_create_time_seconds_sum", ("worker-0",)] < 5
    assert after["db_client_connection_wait_time_seconds_count", ("worker-0",)] == 2


def test_every_worker_is_told_by_any_of_them(make_app, settings, tmp_path, monkeypatch):
    Readings.create(tmp_path / "readings", workers=2)
    for number in "01":
        monkeypatch.setenv("TRACETRACK_WORKER", number)
        app = make_app(replace(settings, readings_file=str(tmp_path / "readings")))
    told = samples(app.test_client().get("/metrics"))
    assert {labels for name, labels in told if name == "db_client_connection_max"} == {("worker-0",), ("worker-1",)}


def test_a_worker_beyond_the_slots_serves_uncounted(make_app, settings, tmp_path, monkeypatch):
    readings = Readings.create(tmp_path / "readings", workers=1)
    monkeypatch.setenv("TRACETRACK_WORKER", str(readings.slots))
    client = make_app(replace(settings, readings_file=str(tmp_path / "readings"))).test_client()
    assert client.get("/health").status_code == 200
    assert readings.read() == {}


def test_a_restarted_worker_begins_anew(tmp_path):
    readings = Readings.create(tmp_path / "readings", workers=1)
    slot = readings.slot(0)
    slot.begin()
    slot.count("timeouts", 7)
    slot.begin()
    (reading,) = Readings.open(tmp_path / "readings").read().values()
    assert (reading["pid"], reading["timeouts"]) == (os.getpid(), 0)
    assert set(reading) == set(FIELDS)


@pytest.mark.parametrize("killed_in_mid_write", [False, True])
def test_a_reading_is_never_half_of_a_change(tmp_path, killed_in_mid_write):
    slot = Readings.create(tmp_path / "readings", workers=1).slot(0)
    slot.begin()
    slot.count("limit")
    if killed_in_mid_write:
        slot.memory[0] |= 1
        slot = Readings.open(tmp_path / "readings").slot(0)
        slot.begin()
        slot.count("limit", 9)
    (reading,) = Readings.open(tmp_path / "readings").read().values()
    assert reading["version"] % 2 == 0
    assert reading["limit"] == (9 if killed_in_mid_write else 1)
