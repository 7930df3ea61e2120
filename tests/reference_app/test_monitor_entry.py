"""The monitor beside a served application: what it shows, whom it lets in, and what it leaves behind."""

import http.client
import os
import signal
import socket
import time
from contextlib import ExitStack, closing
from dataclasses import replace

import psutil
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from instrumentation.monitor.access import derive_key
from instrumentation.monitor.viewers import MAX_VIEWERS
from instrumentation.worker_metrics import WorkerMetrics
from reference_app.counters import COUNTERS
from tests.brief_server import serve_briefly
from tests.conftest import Visitor
from tests.monitored import MonitorClient, monitor_of, monitored_settings, with_monitor
from workbench.polling import attempts

STATISTICS = "/api/dashboard/stats"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture(scope="module")
def base(server, database, tmp_path_factory):
    folder = tmp_path_factory.mktemp("monitored")
    return monitored_settings(server, database, folder, workers=2, threads=8, pool_size=2, server_timing_for_all=True)


@pytest.fixture(scope="module")
def served(base, tmp_path_factory):
    with serve_briefly(base, tmp_path_factory.mktemp("log") / "gunicorn.log") as application:
        yield application


@pytest.fixture(scope="module")
def monitor(served, base):
    return monitor_of(served, base.monitor_port)


def samples(text):
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def test_the_monitor_shows_requests_by_route_with_the_slowest_and_their_parts(served, monitor):
    visitor = Visitor(served.url).login()
    for _ in range(5):
        assert visitor.get(STATISTICS, **{"X-Request-ID": "statistics-1"}).status == 200
    visitor.get("/no-such-page")
    snapshot = monitor.snapshot(lambda shown: any(route["route"] == STATISTICS for route in shown["routes"]))
    routes = {(route["method"], route["route"]): route for route in snapshot["routes"]}
    statistics = routes["GET", STATISTICS]
    assert statistics["count"] == 5
    assert 0 < statistics["p50_ms"] <= statistics["p95_ms"]
    assert routes["GET", "(no route)"]["client_errors"] == 1
    (slow,) = [each for each in snapshot["slow_requests"] if each["route"] == "POST /login"][:1]
    assert slow["ms"] > slow["db_ms"] > 0
    assert slow["id"]
    assert {worker["number"] for worker in snapshot["workers"]} == {0, 1}
    assert snapshot["pool"]["limit"] == 4
    (cache,) = [each for each in snapshot["caches"] if each["name"] == "dashboard"]
    assert cache["hit"] + cache["miss"] == 5


def test_metrics_have_opentelemetrys_names_and_request_ids_as_exemplars(served, monitor):
    time.sleep(1)  # until the exemplars of earlier requests are replaced
    Visitor(served.url).get("/health", **{"X-Request-ID": "looked-at"})
    time.sleep(0.3)  # until the metrics are read anew
    status, headers, text = MonitorClient(monitor.port).get("/metrics", Accept=OPENMETRICS)
    assert status == 200
    assert headers["Content-Type"].startswith(f"{OPENMETRICS}; charset=utf-8")
    found = samples(text)
    names = {sample.name for sample in found}
    assert {
        "db_client_connection_count",
        "db_client_connection_wait_time_seconds_sum",
        "db_client_operation_duration_seconds_bucket",
        "http_server_active_requests",
        "process_start_time_seconds",
        "tracetrack_cache_requests_total",
        "tracetrack_session_evictions_total",
    } <= names
    exemplars = [
        sample.exemplar.labels["request_id"]
        for sample in found
        if sample.exemplar and sample.labels["http_route"] == "/health"
    ]
    assert "looked-at" in exemplars
    statements = [sample for sample in found if sample.name == "db_client_operation_duration_seconds_count"]
    assert sum(sample.value for sample in statements) > 0
    plain = MonitorClient(monitor.port).get("/metrics")[1]["Content-Type"]
    assert plain.startswith("text/plain; version=")


@pytest.mark.parametrize("kind", ["shared", "database"])
def test_the_monitor_counts_the_stored_sessions(base, store, tmp_path, kind):
    WorkerMetrics.create(tmp_path / "metrics", 1, COUNTERS)
    settings = with_monitor(
        base, workers=1, readings_file=str(tmp_path / "metrics"), sessions=kind,
        redis_url=store.url, store_prefix=store.prefix,
    )  # fmt: skip
    with serve_briefly(settings, tmp_path / "gunicorn.log") as served:
        monitor = monitor_of(served, settings.monitor_port)  # a session of the administrator
        Visitor(served.url).login("user002")
        counted = monitor.snapshot(lambda shown: (shown["sessions"] or {}).get("number") == 2)["sessions"]
        assert abs(counted["at_s"] - time.time()) < 5
        found = {sample.name: sample for sample in samples(monitor.get("/metrics", Accept=OPENMETRICS)[2])}
        assert found["session_count"].value == 2
        assert found["session_count"].labels == {"session_store": counted["store"]}


def test_the_application_has_no_metrics_of_its_own_beside_a_monitor(served):
    assert Visitor(served.url).get("/metrics").status == 404


def test_only_an_administrator_gets_to_the_monitor(served, base):
    assert Visitor(served.url).get("/admin/monitor").status == 401
    answer = Visitor(served.url).login("user002").get("/admin/monitor")
    assert answer.status == 403
    assert answer.json["error"] == "only an administrator may see the monitor"
    location = Visitor(served.url).login().get("/admin/monitor").headers["Location"]
    assert location.startswith(f"http://127.0.0.1:{base.monitor_port}/monitor?token=")


@pytest.mark.parametrize("path", ["/monitor", "/monitor/", "/monitor/events", "/monitor/monitor.js", "/monitor/x"])
def test_nothing_of_the_page_is_shown_without_a_cookie(served, monitor, path):
    client = MonitorClient(monitor.port)
    name = monitor.cookie.partition("=")[0]
    for cookie in ("", f"{name}=", f"{name}=forged", "a;;=b", f"{monitor.cookie}x"):
        client.cookie = cookie
        assert client.get(path)[0] == 401


def test_a_token_opens_the_monitor_once(served, base):
    location = Visitor(served.url).login().get("/admin/monitor").headers["Location"]
    client = MonitorClient(base.monitor_port)
    status, headers = client.log_in(location)
    assert (status, headers["Location"]) == (303, "/monitor")
    assert "HttpOnly; SameSite=Lax" in headers["Set-Cookie"]
    assert client.get("/monitor")[0] == 200
    assert MonitorClient(base.monitor_port).log_in(location)[0] == 403
    assert MonitorClient(base.monitor_port).log_in("/monitor?token=forged")[0] == 403


def test_the_page_loads_nothing_from_elsewhere_and_forbids_all_else(monitor):
    status, headers, html = monitor.get("/monitor")
    assert status == 200
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "http:" not in html
    assert "https:" not in html
    assert "<style" not in html
    assert " style=" not in html


def test_a_page_under_another_host_name_is_refused(monitor):
    """A site may let its own name lead to this machine, and read what is there."""
    assert MonitorClient(monitor.port, "attacker.example").get("/metrics")[0] == 403
    assert MonitorClient(monitor.port, "localhost").get("/metrics")[0] == 200


def test_only_reading_is_allowed(monitor):
    with closing(http.client.HTTPConnection("127.0.0.1", monitor.port)) as connection:
        connection.request("POST", "/monitor")
        assert connection.getresponse().status == 405


def test_a_page_that_goes_away_gives_its_place_back(monitor):
    for _ in range(2):
        with ExitStack() as stack:
            for _ in range(MAX_VIEWERS):
                assert stack.enter_context(monitor.stream()).status == 200
        assert any(has_room(monitor) for _ in attempts(5, 0.1))


def has_room(monitor):
    with monitor.stream() as response:
        return response.status == 200


def test_200_pages_at_once_are_bounded_and_the_rest_are_asked_to_come_back(served, monitor):
    with ExitStack() as stack:
        statuses = []
        for _ in range(200):
            response = stack.enter_context(monitor.stream())
            statuses.append(response.status)
            if response.status == 503:
                assert response.headers["Retry-After"] == "10"
        assert statuses.count(200) <= 32
        assert statuses.count(503) == 200 - statuses.count(200)
        assert MonitorClient(monitor.port).get("/metrics")[0] == 200
        assert Visitor(served.url).get("/health").status == 200
    assert any(has_room(monitor) for _ in attempts(5, 0.1))


def test_a_client_that_scrapes_every_100_ms_gets_every_answer(monitor):
    client = MonitorClient(monitor.port)
    for _ in range(20):
        started_s = time.monotonic()
        assert client.get("/metrics", Accept=OPENMETRICS)[0] == 200
        time.sleep(max(0.0, 0.1 - (time.monotonic() - started_s)))


def test_a_replaced_worker_is_shown_as_a_new_one(served, base, monitor):
    before = {worker["pid"]: worker for worker in monitor.snapshot()["workers"]}
    (victim, *_) = before
    os.kill(victim, signal.SIGKILL)
    shown = monitor.snapshot(
        lambda now: len(now["workers"]) == 2 and victim not in [worker["pid"] for worker in now["workers"]]
    )
    (new,) = [worker for worker in shown["workers"] if worker["pid"] not in before]
    assert new["started_s"] > before[victim]["started_s"]


def monitors(port):
    """The processes that listen on a port."""
    named = [
        process
        for process in psutil.process_iter(["cmdline"])
        if "instrumentation.monitor" in " ".join(process.info["cmdline"] or ())
    ]
    return [
        process
        for process in named
        if any(each.laddr.port == port for each in process.net_connections("tcp") if each.status == "LISTEN")
    ]


def test_the_monitor_listens_on_this_machine_only(served, base):
    (process,) = monitors(base.monitor_port)
    listening = [each.laddr.ip for each in process.net_connections("tcp") if each.status == "LISTEN"]
    assert listening == ["127.0.0.1"]


def test_the_command_of_the_monitor_has_no_secret(base, store, tmp_path):
    WorkerMetrics.create(tmp_path / "metrics", 1, COUNTERS)
    settings = with_monitor(
        base, workers=1, readings_file=str(tmp_path / "metrics"), sessions="shared", redis_url=store.url,
    )  # fmt: skip
    with serve_briefly(settings, tmp_path / "gunicorn.log"):
        (process,) = next(found for _ in attempts(10, 0.1) if (found := monitors(settings.monitor_port)))
        words = " ".join(process.cmdline())
    secrets = settings.secret_key, derive_key(settings.secret_key), store.url.rpartition("@")[0].rpartition(":")[2]
    assert [secret for secret in secrets if secret in words] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_monitor_ends_with_its_server_however_that_ends(base, tmp_path, number):
    WorkerMetrics.create(tmp_path / "metrics", 1, COUNTERS)
    settings = with_monitor(base, readings_file=str(tmp_path / "metrics"), workers=1)
    with serve_briefly(settings, tmp_path / "gunicorn.log") as served:
        (process,) = next(found for _ in attempts(10, 0.1) if (found := monitors(settings.monitor_port)))
        assert not {"TRACETRACK_SECRET_KEY", "TRACETRACK_DATABASE_URL"} & set(process.environ())
        with monitor_of(served, settings.monitor_port).stream():
            os.kill(served.child.pid, number)
            _, alive = psutil.wait_procs([process], timeout=8)
        assert alive == []


def test_a_taken_port_is_one_line_and_the_application_is_served(base, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        WorkerMetrics.create(tmp_path / "metrics", 1, COUNTERS)
        settings = replace(base, monitor_port=port, readings_file=str(tmp_path / "metrics"), workers=1)
        with serve_briefly(settings, tmp_path / "gunicorn.log") as served:
            assert Visitor(served.url).login().get(STATISTICS).status == 200
    lines = (tmp_path / "gunicorn.log").read_text().splitlines()
    (line,) = [line for line in lines if "no monitor" in line]
    assert f"port {port} of the monitor cannot be used (Address already in use); choose another" in line
    assert "TRACETRACK_MONITOR_PORT" in line
