"""The pools of all workers at `/metrics`, as Prometheus reads them."""

from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from instrumentation.worker_metrics import WorkerMetrics
from reference_app.counters import COUNTERS
from reference_app.database import connection


def samples(answer):
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {(s.name, tuple(s.labels.values())): s.value for family in families for s in family.samples}


def test_the_pool_has_opentelemetrys_names(app):
    with app.app_context(), connection(), connection():
        during = samples(app.test_client().get("/metrics"))
    assert during["db_client_connection_count", ("worker-0", "used")] == 2
    assert during["db_client_connection_count", ("worker-0", "idle")] == 0
    assert during["db_client_connection_max", ("worker-0",)] == 22
    assert during["db_client_connection_pending_requests", ("worker-0",)] == 0
    assert during["db_client_connection_timeouts_total", ("worker-0",)] == 0
    after = samples(app.test_client().get("/metrics"))
    assert after["db_client_connection_count", ("worker-0", "idle")] == 2
    assert after["db_client_connection_use_time_seconds_count", ("worker-0",)] == 2
    assert 0 < after["db_client_connection_create_time_seconds_sum", ("worker-0",)] < 5
    assert after["db_client_connection_wait_time_seconds_count", ("worker-0",)] == 2


def test_any_worker_answers_for_all(make_app, settings, tmp_path, monkeypatch):
    WorkerMetrics.create(tmp_path / "metrics", workers=2, counters=COUNTERS)
    for number in "01":
        monkeypatch.setenv("TRACETRACK_WORKER", number)
        app = make_app(replace(settings, readings_file=str(tmp_path / "metrics")))
    found = samples(app.test_client().get("/metrics"))
    assert {labels for name, labels in found if name == "db_client_connection_max"} == {("worker-0",), ("worker-1",)}
