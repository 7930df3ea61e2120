"""Two lines in an application of a user's own: what it then has, whatever its server, its pool and its forks."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from loadgen import services
from tests.conftest import Visitor
from tests.monitored import MonitorClient
from workbench.paths import REPOSITORY
from workbench.polling import attempts

TOKEN = "a-token-of-the-tests"
EXAMPLES = REPOSITORY / "examples"
FLASK = [sys.executable, "-m", "gunicorn", "--chdir", str(EXAMPLES), "--threads", "4"]
QUART = [sys.executable, "-m", "uvicorn", "--app-dir", str(EXAMPLES), "quart_orders:app", "--log-level", "warning"]


@dataclass
class Served:
    """An application that serves, the port of its monitor, and its log."""

    url: str
    port: int
    process: subprocess.Popen
    log: Path

    def lines(self):
        return self.log.read_text().splitlines()

    def monitor(self):
        client = MonitorClient(self.port)
        location = Visitor(self.url).get("/monitor").headers["Location"]
        assert any(_logged_in(client, location) for _ in attempts(10, 0.1))
        return client


def _logged_in(client, location):
    try:
        return client.log_in(location)[0] == 303
    except OSError:  # its process starts
        return False


@contextmanager
def serving(command, folder, monitor_port=None, **environ):
    port, monitor_port = services.free_port(), monitor_port or services.free_port()
    bind = ["--bind", f"127.0.0.1:{port}"] if "gunicorn" in command else ["--port", str(port)]
    given = {**os.environ, "INSTRUMENTATION_PORT": str(monitor_port), "TRACETRACK_RUN_TOKEN": TOKEN, **environ}
    given.setdefault("BLOG_DATABASE", f"sqlite:///{folder}/blog.sqlite")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*command, *bind], cwd=folder, env=given, stdout=log, stderr=log)
        try:
            assert any(_answers(port) for _ in attempts(30, 0.1)), (folder / "log").read_text()
            yield Served(f"http://127.0.0.1:{port}", monitor_port, process, folder / "log")
        finally:
            process.terminate()
            process.wait()


def _answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def blog(tmp_path):
    with serving([*FLASK, "flask_blog:app"], tmp_path) as served:
        yield served


@pytest.fixture
def orders(tmp_path, server, database):
    with serving(QUART, tmp_path, DATABASE_URL=server.url_of(database)) as served:
        yield served


def parts(answer):
    header = answer.headers["Server-Timing"]
    return dict(part.strip().partition(";")[::2] for part in header.split(","))


def start_ns():
    return f"t={time.monotonic_ns()}"


def test_a_blog_has_timing_a_timed_pool_metrics_and_a_monitor(blog):
    visitor = Visitor(blog.url)
    form = urllib.parse.urlencode({"title": "Secret title", "body": "…"}).encode()
    assert visitor.post("/post", form).status == 201
    answer = visitor.get("/post/1", **{"X-Run-Token": TOKEN, "X-Request-Start": start_ns()})
    assert answer.json["title"] == "Secret title"
    timing = parts(answer)
    assert {"queue", "app", "pool", "db"} <= set(timing)
    assert timing["db"].endswith('desc="1"')
    assert "Server-Timing" not in visitor.get("/post/1").headers
    snapshot = blog.monitor().snapshot(lambda shown: len(shown["routes"]) >= 2)
    routes = {(route["method"], route["route"]) for route in snapshot["routes"]}
    assert {("POST", "/post"), ("GET", "/post/<int:number>")} <= routes
    assert snapshot["pool"]["limit"] == 15
    text = MonitorClient(blog.port).get("/metrics")[2]
    assert 'http_route="/post/<int:number>"' in text
    assert "db_client_connection_use_time_seconds_count" in text
    assert "Secret" not in json.dumps(snapshot) + text


def test_an_asynchronous_application_has_the_same(orders):
    visitor = Visitor(orders.url)
    answer = visitor.get("/orders/7", **{"X-Run-Token": TOKEN, "X-Request-Start": start_ns()})
    assert answer.json == {"id": 7, "item": "item 7"}
    timing = parts(answer)
    assert timing["db"].endswith('desc="1"')
    assert float(timing["db"].partition("dur=")[2].partition(";")[0]) > 0
    assert answer.headers["X-Request-ID"]
    snapshot = orders.monitor().snapshot(lambda shown: shown["routes"])
    assert {route["route"] for route in snapshot["routes"]} == {"/orders/<int:number>"}
    assert snapshot["pool"]["limit"] == 13


def test_the_monitor_ends_with_the_last_worker_and_comes_back_with_the_next(tmp_path):
    monitor_port = services.free_port()
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
        with serving([*FLASK, "--workers", "2", "flask_blog:app"], tmp_path, monitor_port) as served:
            served.monitor()
            (monitor,) = [
                process
                for process in psutil.process_iter(["cmdline"])
                if f"-{monitor_port}/metrics" in " ".join(process.info["cmdline"] or ())
            ]
            served.process.send_signal(number)  # its workers notice that it is gone
            assert psutil.wait_procs([monitor], timeout=20)[1] == []


def test_workers_that_are_forked_after_the_import_have_slots_of_their_own(tmp_path):
    with serving([*FLASK, "--preload", "--workers", "2", "flask_blog:app"], tmp_path) as served:
        monitor = served.monitor()
        visitor = Visitor(served.url)
        for _ in attempts(20, 0.05):
            visitor.get("/")
            if MonitorClient(served.port).get("/metrics")[2].count("process_start_time_seconds{") >= 2:
                break
        workers = monitor.snapshot(lambda shown: len(shown["workers"]) == 2)["workers"]
        pids = {process.pid for process in psutil.Process(served.process.pid).children()}
        assert {worker["pid"] for worker in workers} == pids


def test_the_monitor_is_for_a_browser_on_this_machine_alone(blog):
    visitor = Visitor(blog.url)
    for headers in ({"X-Forwarded-For": "10.0.0.1"}, {"Host": "blog.example.com"}, {"Forwarded": "for=10.0.0.1"}):
        answer = visitor.get("/monitor", **headers)
        assert (answer.status, "pass is_admin" in answer.text) == (403, True)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no second address of the loopback")
def test_the_monitor_is_for_no_other_address(blog):
    url = urllib.parse.urlsplit(blog.url)
    with closing(http.client.HTTPConnection(url.hostname, url.port, source_address=("127.0.0.2", 0))) as elsewhere:
        elsewhere.request("GET", "/monitor")
        assert elsewhere.getresponse().status == 403


def test_a_taken_port_is_one_line_and_the_application_serves(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving([*FLASK, "flask_blog:app"], tmp_path, port) as served:
            assert Visitor(served.url).get("/").status == 200
            answer = Visitor(served.url).get("/monitor")
            assert (answer.status, f"port {port}" in answer.text) == (503, True)
            (line,) = [line for line in served.lines() if "no /metrics" in line]
            assert "cannot be used (Address already in use); choose another" in line


WITHOUT_ENGINE = """
from flask import Flask
from instrumentation import instrument
app = Flask(__name__)
instrument(app)
app.get("/")(lambda: "here")
"""


def test_an_application_without_an_engine_has_all_but_the_pool_and_one_line_says_so(tmp_path):
    (tmp_path / "page.py").write_text(WITHOUT_ENGINE)
    command = [sys.executable, "-m", "gunicorn", "--chdir", str(tmp_path), "page:app"]
    with serving(command, tmp_path) as served:
        assert Visitor(served.url).get("/", **{"X-Run-Token": TOKEN}).headers["Server-Timing"]
        snapshot = served.monitor().snapshot(lambda shown: shown["routes"])
        assert snapshot["pool"]["limit"] == 0
        (line,) = [line for line in served.lines() if "no engine was given" in line]
        assert "there are no metrics of a pool" in line
