"""The alert rules and the dashboard on a real Prometheus: each alert fires when its cause is there, and clears after.

The windows of a minute are seconds here; `promtool` tests the rules as they are.
"""

import json
import os
import secrets
import signal
import subprocess
import threading
import urllib.parse
import urllib.request
from contextlib import closing, contextmanager

import psutil
import pytest

from loadgen import services, subprocesses
from tests.brief_server import serve_briefly
from tests.conftest import Visitor
from tests.monitored import monitored_settings
from workbench.paths import REPOSITORY
from workbench.polling import attempts

pytestmark = pytest.mark.extra

RULES = REPOSITORY / "instrumentation" / "prometheus"
STATISTICS = "/api/dashboard/stats"
WINDOW, INTERVAL = "4s", "500ms"
CONFIGURATION = """
global: {{scrape_interval: {interval}, evaluation_interval: 1s}}
rule_files: [alerts.yml]
scrape_configs:
  - job_name: tracetrack
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def shortened(text):
    """Rules or expressions with seconds in the place of minutes."""
    return text.replace("[1m]", f"[{WINDOW}]").replace("for: 1m", "for: 1s").replace("$__rate_interval", WINDOW)


class Prometheus:
    """A running Prometheus."""

    def __init__(self, port):
        self._url = f"http://127.0.0.1:{port}/api/v1"

    def get(self, path, **parameters):
        with urllib.request.urlopen(f"{self._url}/{path}?{urllib.parse.urlencode(parameters)}", timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        return self.get("query", query=expression)["result"]

    def firing(self):
        return {alert["labels"]["alertname"] for alert in self.get("alerts")["alerts"] if alert["state"] == "firing"}

    def wait_for(self, *names):
        """Wait until all of these fire."""
        for _ in attempts(40, 0.3):
            if set(names) <= self.firing():
                return
        raise AssertionError(f"{names} do not fire, but {self.firing()}")

    def wait_until_clear(self, *names):
        for _ in attempts(60, 0.3):
            if not set(names) & self.firing():
                return
        raise AssertionError(f"{self.firing()} did not clear")


@pytest.fixture(scope="module")
def settings(server, database, tmp_path_factory):
    folder = tmp_path_factory.mktemp("alerts")
    return monitored_settings(
        server, database, folder, threads=24, pool_size=10, pool_timeout_s=3.0, sessions="filesystem",
        session_directory=str(folder / "sessions"), session_threshold=2,
    )  # fmt: skip


@pytest.fixture(scope="module")
def served(settings, tmp_path_factory):
    with serve_briefly(settings, tmp_path_factory.mktemp("log") / "gunicorn.log") as application:
        yield application


@pytest.fixture(scope="module")
def prometheus(served, settings, tmp_path_factory):
    """Debian's Prometheus, which scrapes the monitor and evaluates the rules each second."""
    folder, port = tmp_path_factory.mktemp("prometheus"), services.free_port()
    (folder / "alerts.yml").write_text(shortened((RULES / "alerts.yml").read_text()))
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(interval=INTERVAL, port=settings.monitor_port))
    command = ["prometheus", "--config.file=prometheus.yml", f"--web.listen-address=127.0.0.1:{port}",
               "--storage.tsdb.path=data", "--enable-feature=exemplar-storage"]  # fmt: skip
    with subprocesses.start("prometheus", command, folder / "log", folder=folder):
        started = Prometheus(port)
        for _ in attempts(30, 0.2):
            try:
                if started.query("up == 1"):
                    break
            except OSError:
                continue
        yield started


@pytest.fixture(scope="module")
def visitor(served):
    return Visitor(served.url).login()


@contextmanager
def locked(server, database, visitor, requests, table="bag"):
    """A table that is locked for the block, and so many requests that wait for it."""
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        connection.autocommit = False
        cursor.execute(f"LOCK TABLE tracetrack.{table} IN ACCESS EXCLUSIVE MODE")
        paths = [f"/api/bags/search?q=M44{number}{secrets.token_hex(2)}" for number in range(requests)]
        threads = [threading.Thread(target=visitor.get, args=(path,)) for path in paths]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            connection.rollback()
            for thread in threads:
                thread.join()


def test_the_rules_pass_their_own_tests():
    done = subprocess.run(["promtool", "test", "rules", "alerts_test.yml"], cwd=RULES, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    done = subprocess.run(["promtool", "check", "config", "prometheus.yml"], cwd=RULES, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case_in_the_rules_own_tests():
    names = [line.split()[-1] for line in (RULES / "alerts.yml").read_text().splitlines() if "- alert:" in line]
    cases = (RULES / "alerts_test.yml").read_text()
    assert len(names) == 9
    assert [name for name in names if cases.count(f"alertname: {name}\n") < 1] == []


@pytest.mark.parametrize(("requests", "alert"), [(7, "PoolUseNotice"), (9, "PoolUseWarning"), (10, "PoolUseCritical")])
def test_pool_use_fires_by_its_share_and_clears(prometheus, server, database, visitor, requests, alert):
    with locked(server, database, visitor, requests):
        prometheus.wait_for(alert)
    prometheus.wait_until_clear("PoolUseNotice", "PoolUseWarning", "PoolUseCritical")
    prometheus.wait_for("SlowStatement")
    prometheus.wait_until_clear("SlowStatement")


def test_waiters_and_errors_fire_while_requests_find_no_connection_and_clear(prometheus, server, database, visitor):
    stop = threading.Event()

    def come_again():
        while not stop.is_set():
            visitor.get("/health")

    threads = [threading.Thread(target=come_again) for _ in range(6)]
    with locked(server, database, visitor, 10):
        for thread in threads:
            thread.start()
        try:
            prometheus.wait_for("PoolWaiters", "ErrorRatio")
        finally:
            stop.set()
    for thread in threads:
        thread.join()
    visitor.get("/health")
    prometheus.wait_until_clear("PoolWaiters", "ErrorRatio")


def test_evicted_sessions_fire_and_clear(prometheus, served):
    for number in range(2, 8):
        Visitor(served.url).login(f"user{number:03}")
    prometheus.wait_for("SessionEvictions")
    prometheus.wait_until_clear("SessionEvictions")


def test_a_replaced_worker_fires_and_clears(prometheus, served):
    (worker,) = psutil.Process(served.child.pid).children()
    worker.send_signal(signal.SIGKILL)
    prometheus.wait_for("WorkerRestart")
    prometheus.wait_until_clear("WorkerRestart", "MonitorDown")


def test_every_expression_of_the_dashboard_has_a_value_under_load(prometheus, served):
    visitor = Visitor(served.url).login()
    panels = json.loads((RULES / "dashboard.json").read_text())["panels"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(expressions) > 12
    for _ in attempts(6, 0.2):
        visitor.get(STATISTICS)
        visitor.get("/api/bags/search?q=M444")
    empty = {each for each in expressions if not prometheus.query(shortened(each).replace("$instance", ".*"))}
    assert empty == set()


def test_the_ids_of_requests_are_stored_as_exemplars(prometheus, served):
    request_id = f"exemplar-{secrets.token_hex(4)}"
    Visitor(served.url).get("/health", **{"X-Request-ID": request_id})
    query = {"query": "http_server_request_duration_seconds_bucket", "start": 0, "end": 2**32}
    assert any(request_id in json.dumps(prometheus.get("query_exemplars", **query)) for _ in attempts(10, 0.3))


def test_an_ended_server_fires(prometheus, served):
    """It is the last test, because it ends the server of the others."""
    os.kill(served.child.pid, signal.SIGTERM)
    prometheus.wait_for("MonitorDown")
