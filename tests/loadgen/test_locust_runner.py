"""Any locustfile serves as the users of a run, and every trouble with one is told."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.loadgen.finished_run import SHORT, error_lines, reasons_apart_from_lag, record_of, rows_of, run_on_target
from tests.loadgen.page_server import LOCUSTFILE, Pages, listening
from workbench.paths import REPOSITORY

FAILS_AT_ITS_START = """
from locust import FastHttpUser, task

class Failing(FastHttpUser):
    def on_start(self):
        raise ValueError("my own start")

    @task
    def look(self):
        self.client.get("/page")
"""


def test_any_locustfile_is_driven_by_an_open_load(command, pages, locustfile):
    """20 arrivals a second for 2 s: each is one task, whichever class is drawn."""
    given = ("--locustfile", locustfile, "--scenario", "open-20", "--arrivals", "constant", *SHORT)
    finished = run_on_target(command, pages, *given)
    found = rows_of(finished)
    assert len(found) == 40
    assert set(found["endpoint"]) == {"GET /page", "missing"}
    assert found["scheduled_us"].diff().dropna().between(49_990, 50_010).all()
    assert (found["error"].dropna() == "status 404").all()
    assert found[["queue_us", "app_us", "worker"]].isna().all(axis=None)
    said = record_of(finished)
    assert (said["status"], reasons_apart_from_lag(said), said["locustfile"]) == ("complete", [], "mine.py")
    assert said["deployment"] == {"name": "target", "settings": {"url": pages}}
    assert "× status 404" in finished.stderr


def test_any_locustfile_is_driven_by_a_closed_load(command, pages, locustfile):
    """All at once, one task each; then with think time, each as often as fits."""
    finished = run_on_target(command, pages, "--locustfile", locustfile, "--scenario", "burst-8")
    burst, said = rows_of(finished), record_of(finished)
    assert not [reason for reason in said["reasons"] if "rows missing" in reason]
    assert len(burst) == burst["user"].nunique() == 8
    assert burst["scheduled_us"].nunique() == 1
    given = ("--locustfile", locustfile, "--scenario", "sustained-4", *SHORT)
    sustained = rows_of(run_on_target(command, pages, *given))
    assert 1 <= len(sustained) <= 12
    assert sustained.groupby("user")["start_us"].diff().dropna().gt(1_000_000).all()


def test_several_processes_share_the_load_and_record_all_of_it(command, pages, locustfile):
    given = ("--locustfile", locustfile, "--scenario", "open-30", "--arrivals", "constant", *SHORT)
    finished = run_on_target(command, pages, *given, "--processes", "3")
    found, said = rows_of(finished), record_of(finished)
    assert reasons_apart_from_lag(said) == []
    assert (said["generator"]["processes"], said["generator"]["requests"], len(found)) == (3, 60, 60)
    due = found["scheduled_us"].sort_values().diff().dropna()
    assert due.between(33_300, 33_350).all()
    assert not found.duplicated(["user", "sequence"]).any()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("import nothing_like_this", "ModuleNotFoundError"),
        ("x = 1", "no class of users"),
        (FAILS_AT_ITS_START, "no user could start"),
    ],
)
def test_a_locustfile_that_cannot_be_used_is_told(command, pages, tmp_path, content, said):
    (tmp_path / "mine.py").write_text(content)
    finished = run_on_target(command, pages, "--locustfile", str(tmp_path / "mine.py"), "--scenario", "burst-2")
    lines = error_lines(finished)
    assert said in "\n".join(lines)
    assert len(lines) <= 2
    assert command.processes() == []


def driven(command, url, tmp_path, content, *arguments):
    """What a locustfile of this content left under this load."""
    (tmp_path / "mine.py").write_text(content)
    return run_on_target(command, url, "--locustfile", str(tmp_path / "mine.py"), *arguments)


ONE_OF_TWO_RAISES = """
from itertools import count
from locust import FastHttpUser, task

turns = count()

class Clumsy(FastHttpUser):
    @task
    def look(self):
        if next(turns) % 2:
            {}["bag"]
        self.client.get("/page")
"""


def test_a_task_that_raises_is_an_outcome_of_its_own(command, pages, tmp_path):
    finished = driven(
        command, pages, tmp_path, ONE_OF_TWO_RAISES, "--scenario", "open-20", "--arrivals", "constant", *SHORT
    )
    said = record_of(finished)
    assert len(rows_of(finished)) == 20
    assert said["generator"]["task_errors"] == {"KeyError: 'bag'": 20}
    assert said["generator"]["started_tasks"] == {"warmup": 0, "measure": 40}
    assert reasons_apart_from_lag(said) == []
    assert "20 tasks ended with an error: 20 × KeyError: 'bag'" in finished.stderr


LEAVES_AFTER_ONE = """
from locust import FastHttpUser, task
from locust.exception import StopUser

class Brief(FastHttpUser):
    @task
    def look(self):
        self.client.get("/page")
        raise StopUser
"""


def test_users_that_leave_early_are_missing_and_so_is_what_was_due(command, pages, tmp_path):
    """Four may be in flight, and each leaves after one request: the other 36 that were due find nobody."""
    arguments = ("--scenario", "open-20", "--arrivals", "constant", "--users", "4", *SHORT)
    said = record_of(driven(command, pages, tmp_path, LEAVES_AFTER_ONE, *arguments))
    assert (said["status"], said["valid"], said["rows"]) == ("complete", False, 4)
    assert reasons_apart_from_lag(said) == [
        "users that did not start, or left early: 4, allowed none",
        "tasks due but neither started nor counted as dropped: 36, allowed none",
    ]


HALF_FAIL_AT_THEIR_START = """
from itertools import count
from locust import FastHttpUser, task

turns = count()

class Clumsy(FastHttpUser):
    def on_start(self):
        if next(turns) % 2:
            raise ValueError("my own start")

    @task
    def look(self):
        self.client.get("/page")
"""


def test_users_that_could_not_start_are_missing(command, pages, tmp_path):
    said = record_of(driven(command, pages, tmp_path, HALF_FAIL_AT_THEIR_START, "--scenario", "burst-8"))
    assert said["rows"] == 4
    assert "users that did not start, or left early: 4, allowed none" in said["reasons"]
    assert said["generator"]["task_errors"] == {"ValueError: my own start": 4}


FEW_FILES = """
import os, resource
from locust import FastHttpUser, events, task

@events.spawning_complete.add_listener
def shorten(**_):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 10, most))

class Visitor(FastHttpUser):
    @task
    def look(self):
        self.client.get("/page")
"""


def test_a_generator_that_runs_short_of_files_does_not_blame_the_target(command, pages, tmp_path):
    finished = driven(command, pages, tmp_path, FEW_FILES, "--scenario", "burst-30")
    found, said = rows_of(finished), record_of(finished)
    short = found["error"].eq("load generator: too many open files in this process").sum()
    assert 0 < short < 30
    assert f"requests that failed in the load generator: {short}, allowed none" in said["reasons"]


ANOTHER_PROTOCOL = """
import time
import gevent
from locust import User, task

class Caller(User):
    @task
    def call(self):
        gevent.sleep(0.03)
        self.environment.events.request.fire(
            request_type="RPC", name="call", response_time=30.0, response_length=4, exception=None, context={}
        )
"""


def test_what_another_protocol_reports_is_recorded_by_user_and_phase(command, pages, tmp_path):
    arguments = ("--scenario", "open-100", "--arrivals", "constant", "--duration", "2", "--warmup", "1")
    finished = driven(command, pages, tmp_path, ANOTHER_PROTOCOL, *arguments)
    found, said = rows_of(finished), record_of(finished)
    assert dict(found["phase"].value_counts()) == {"measure": 200, "warmup": 100}
    assert found["latency_us"].eq(30_000).all()
    assert found["scheduled_us"].sort_values().diff().dropna().between(9_990, 10_010).all()
    assert not found.duplicated(["user", "sequence"]).any()
    assert reasons_apart_from_lag(said) == []


NESTED = """
from locust import FastHttpUser, TaskSet, task

class Inside(TaskSet):
    @task
    def look(self):
        self.client.get("/page", name="inside")
        self.interrupt()

class Visitor(FastHttpUser):
    tasks = [Inside]

    @task
    def look(self):
        self.client.get("/page", name="outside")
"""


def test_each_arrival_is_one_task_also_where_tasks_are_nested(command, pages, tmp_path):
    """Who leaves a set of tasks goes on at once, as Locust has it; here that waits for its arrival too."""
    finished = driven(command, pages, tmp_path, NESTED, "--scenario", "open-40", "--arrivals", "constant", *SHORT)
    found, said = rows_of(finished), record_of(finished)
    assert set(found["endpoint"]) == {"inside", "outside"}
    assert (len(found), said["generator"]["started_tasks"]["measure"]) == (80, 80)
    assert found["scheduled_us"].sort_values().diff().dropna().between(24_990, 25_010).all()
    assert reasons_apart_from_lag(said) == []


ELSEWHERE = """
from locust import FastHttpUser, HttpUser, task

class Fast(FastHttpUser):
    @task
    def look(self):
        self.client.get("http://192.0.2.7/", name="fast")

class Slow(HttpUser):
    @task
    def look(self):
        self.client.get("/redirects", name="slow")
"""


def test_no_load_goes_to_a_host_that_nobody_confirmed(command, tmp_path):
    class Redirecting(Pages):
        def do_GET(self):
            self.send_response(302)
            self.send_header("Location", "http://192.0.2.7/")
            self.send_header("Content-Length", "0")
            self.end_headers()

    with listening(Redirecting) as url:
        found = rows_of(driven(command, url, tmp_path, ELSEWHERE, "--scenario", "burst-8"))
    assert set(found["endpoint"]) == {"fast", "slow"}
    assert set(found["error"]) == {"another host than the target's"}


NO_ROW = """
from locust import User, task

class Odd(User):
    @task
    def call(self):
        self.environment.events.request.fire(
            request_type="RPC", name="call", response_time=1.0, response_length="long", exception=None, context={}
        )
"""


def test_what_no_row_can_hold_ends_the_run_with_a_reason(command, pages, tmp_path):
    finished = driven(command, pages, tmp_path, NO_ROW, "--scenario", "burst-4")
    said = "\n".join(error_lines(finished))
    assert "rows could not be made of what was reported: " in said
    assert "Free some space" not in said


def test_times_of_two_headers_are_those_of_one(command, tmp_path):
    class Between(Pages):
        def end_headers(self):
            self.send_header("Server-Timing", "proxy;dur=2")
            self.send_header("Server-Timing", "app;dur=1.5")
            super().end_headers()

    with listening(Between) as url:
        found = rows_of(driven(command, url, tmp_path, LOCUSTFILE, "--scenario", "burst-8"))
    assert set(found["endpoint"]) == {"GET /page", "missing"}
    assert found["app_us"].eq(1500).all()


@pytest.fixture
def by_hand(command, pages, tmp_path):
    """Starts Locust as a person would, with a locustfile that imports the recording."""
    (tmp_path / "mine.py").write_text(f"from loadgen.generator import recording\n{LOCUSTFILE}")
    load = ("--headless", "--users", "4", "--spawn-rate", "4", "--host", pages, "--only-summary")

    def start(*arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "locust", "-f", str(tmp_path / "mine.py"), *load, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY,
            env={**os.environ, "TRACETRACK_DATA_DIR": str(command.data)},
        )  # fmt: skip

    return start


@pytest.mark.parametrize("processes", [1, 2])
def test_a_locust_started_by_hand_is_recorded_by_one_import(by_hand, processes):
    output, _ = by_hand("--run-time", "2", "--processes", str(processes)).communicate(timeout=60)
    told = next(line for line in output.splitlines() if " requests recorded: " in line)
    found = Path(told.partition(" requests recorded: ")[2])
    requests, said = pd.read_parquet(found / "requests.parquet"), json.loads((found / "run.json").read_text())
    assert len(requests) == int(told.split()[0]) == said["generator"]["requests"] > 10
    assert set(requests["endpoint"]) == {"GET /page", "missing"}
    assert not requests.duplicated(["user", "sequence"]).any()
    assert (said["status"], said["processes"], reasons_apart_from_lag(said)) == ("complete", processes, [])


def test_a_locust_started_by_hand_that_is_killed_can_be_looked_at(command, by_hand):
    before = command.runs()
    with by_hand() as process:
        (stream,) = command.streams(before, 1)
        process.kill()
        process.communicate(timeout=30)
    shown = subprocess.run(
        [sys.executable, "-m", "analysis", "show", str(stream.parent)], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert shown.returncode == 0, shown.stderr
    assert "target under by-hand, cut off" in shown.stdout
    assert "GET /page" in shown.stdout
