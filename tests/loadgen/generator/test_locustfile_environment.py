"""The environment of a locustfile: its folder and packages, Locust's own settings, certificates; and refusals."""

import json
import os
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import ThreadingHTTPServer

import pytest
import trustme

from tests.loadgen.finished_run import error_lines, record_of, rows_of, run_on_target
from tests.loadgen.page_server import LOCUSTFILE, Pages
from workbench.paths import REPOSITORY

OWN_PACKAGES = """
import config
from analysis.mine import answer
from locust import FastHttpUser, tag, task
from tests import helper

assert (config.name, answer, helper.value) == ("config", "analysis", "tests")

class Visitor(FastHttpUser):
    @tag("look")
    @task
    def look(self):
        import reports.late
        self.client.get("/page", name=reports.late.name)

class Tagged(FastHttpUser):
    @tag("other")
    @task
    def other(self):
        self.client.get("/other")
"""


@pytest.fixture
def folder(tmp_path):
    """A locustfile in a folder with a difficult name, with packages that have the names of the workbench's own."""
    folder = tmp_path / "my shop, ünïcode's"
    files = {
        "config.py": 'name = "config"', "analysis/mine.py": 'answer = "analysis"', "tests/helper.py": 'value = "tests"',
        "tests/__init__.py": "", "reports/late.py": 'name = "late"', "shop, v2.py": OWN_PACKAGES,
        "locust.conf": "users = 1\nworker\n",
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def test_packages_beside_the_locustfile_come_first_and_settings_of_locust_are_named(command, pages, folder):
    locust = {"LOCUST_RUN_TIME": "1", "LOCUST_WEB_PORT": "tcp://10.0.0.1:80", "LOCUST_MODE_WORKER": "true"}
    given = ("--locustfile", "shop, v2.py", "--scenario", "burst-3", "--tag", "look")
    finished = run_on_target(command, pages, *given, cwd=folder, **locust)
    rows, record = rows_of(finished), record_of(finished)
    assert list(rows["endpoint"]) == ["GET late"] * 3
    ignored = ", ".join([*sorted(locust), str(folder / "locust.conf")])
    assert f"These settings of Locust had no effect, as the scenario decides: {ignored}" in finished.stderr
    assert record["generator"]["notes"] == ["Tagged has no task, and none of its users was started"]


def test_a_package_that_the_workbench_needs_itself_is_refused_by_name(command, pages, folder):
    (folder / "workbench").mkdir()
    finished = run_on_target(command, pages, "--locustfile", "shop, v2.py", "--scenario", "burst-3", cwd=folder)
    (line,) = error_lines(finished)
    assert f"{folder / 'workbench'} has the name of a package of the workbench" in line


REFUSALS = """
import json
from locust import FastHttpUser, LoadTestShape, TaskSet, events, task
from locust.env import Environment
from loadgen.generator import user_classes

class Good(FastHttpUser):
    @task
    def look(self):
        pass

class Empty(FastHttpUser):
    pass

class EmptySet(TaskSet):
    pass

class Around(TaskSet):
    tasks = [EmptySet]

class Nested(FastHttpUser):
    tasks = [Around]

class OwnRun(FastHttpUser):
    tasks = [Around]
    def run(self):
        pass

class Steps(LoadTestShape):
    def tick(self):
        return None

def looked_at(*classes, shape=None):
    environment = Environment(user_classes=list(classes), shape_class=shape, events=events)
    reason = user_classes.refusal(environment, {"kind": "burst", "name": "burst-2"})
    removed = [] if reason else user_classes.remove_without_tasks(environment)
    return [reason, removed, [user_class.__name__ for user_class in environment.user_classes]]

print(json.dumps({
    "shape": looked_at(Good, shape=Steps()), "run": looked_at(Good, OwnRun), "none": looked_at(Empty, Nested),
    "some": looked_at(Good, Empty, Nested),
}))
"""


def test_what_no_scenario_can_keep_is_refused_by_name_and_classes_without_a_task_are_left_out():
    command = [sys.executable, "-c", REFUSALS]
    environ = {**os.environ, "TRACETRACK_PROCESS": "0/1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY, env=environ)
    looked_at = json.loads(done.stdout.splitlines()[-1])
    assert looked_at["shape"][0].startswith("the locustfile has a load shape, Steps, and the scenario decides")
    assert looked_at["run"][0] == "OwnRun does not run tasks of Locust, and no scenario can pace it"
    assert looked_at["none"][0] == "no user class has a task"
    without = [f"{name} has no task, and none of its users was started" for name in ("Empty", "Nested")]
    assert looked_at["some"] == ["", without, ["Good"]]


SHAPE = """
from locust import LoadTestShape

class Steps(LoadTestShape):
    def tick(self):
        return (2, 2)
"""


def test_a_refused_locustfile_sends_nothing_and_leaves_no_run(command, pages, tmp_path):
    (tmp_path / "mine.py").write_text(LOCUSTFILE + SHAPE)
    before = command.runs()
    finished = run_on_target(
        command, pages, "--locustfile", str(tmp_path / "mine.py"), "--scenario", "sustained-10", "--processes", "2"
    )
    (line,) = error_lines(finished)
    assert (finished.returncode, "load shape, Steps" in line) == (1, True)
    assert command.runs() == before
    assert command.processes() == []


@contextmanager
def listening_with_tls(authority):
    """Serve with a certificate of an authority that no machine knows; yields the URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://localhost:{server.server_address[1]}"
        server.shutdown()


def test_user_classes_decide_on_certificates_unless_an_option_does(command, tmp_path):
    """`HttpUser` checks them, `FastHttpUser` does not."""
    both = LOCUSTFILE.replace("    @task", "    fixed_count = 1\n    @task").replace("/missing", "/slow")
    (tmp_path / "mine.py").write_text(both)
    given = ("--locustfile", str(tmp_path / "mine.py"), "--scenario", "burst-2")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    with listening_with_tls(authority) as url:
        chosen = {
            "": given,
            "ca": (*given, "--ca", str(tmp_path / "authority.pem")),
            "insecure": (*given, "--insecure"),
        }
        outcomes = {
            name: rows_of(run_on_target(command, url, *arguments)).set_index("endpoint")["ok"].to_dict()
            for name, arguments in chosen.items()
        }
    assert outcomes[""] == {"GET /page": True, "GET missing": False}
    assert outcomes["ca"] == outcomes["insecure"] == {"GET /page": True, "GET missing": True}
