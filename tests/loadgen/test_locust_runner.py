"""Locustfiles of the user: any of them drives a run, and every error in one is reported."""

import pytest

from tests.loadgen.finished_run import SHORT, error_lines, reasons_apart_from_lag, record_of, rows_of, run_on_target
from tests.loadgen.page_server import LOCUSTFILE, Pages, listening

FAILS_AT_START = """
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
    rows = rows_of(finished)
    assert len(rows) == 40
    assert set(rows["endpoint"]) == {"GET /page", "GET missing"}
    assert rows["scheduled_us"].diff().dropna().between(49_990, 50_010).all()
    assert (rows["error"].dropna() == "status 404").all()
    assert rows[["queue_us", "app_us", "worker"]].isna().all(axis=None)
    record = record_of(finished)
    assert (record["status"], reasons_apart_from_lag(record), record["locustfile"]) == ("complete", [], "mine.py")
    assert record["deployment"] == {"name": "target", "settings": {"url": pages}}
    assert "× status 404" in finished.stderr


def test_any_locustfile_is_driven_by_a_closed_load(command, pages, locustfile):
    """All at once, one task each; then with think time, each as often as fits."""
    finished = run_on_target(command, pages, "--locustfile", locustfile, "--scenario", "burst-8")
    burst, record = rows_of(finished), record_of(finished)
    assert not [reason for reason in record["reasons"] if "rows missing" in reason]
    assert len(burst) == burst["user"].nunique() == 8
    assert burst["scheduled_us"].nunique() == 1
    given = ("--locustfile", locustfile, "--scenario", "sustained-4", *SHORT)
    sustained = rows_of(run_on_target(command, pages, *given))
    assert 1 <= len(sustained) <= 12
    assert sustained.groupby("user")["start_us"].diff().dropna().gt(1_000_000).all()


def test_several_processes_share_the_load_and_record_all_of_it(command, pages, locustfile):
    given = ("--locustfile", locustfile, "--scenario", "open-30", "--arrivals", "constant", *SHORT)
    finished = run_on_target(command, pages, *given, "--processes", "3")
    rows, record = rows_of(finished), record_of(finished)
    assert reasons_apart_from_lag(record) == []
    assert (record["generator"]["processes"], record["generator"]["requests"], len(rows)) == (3, 60, 60)
    due = rows["scheduled_us"].sort_values().diff().dropna()
    assert due.between(33_300, 33_350).all()
    assert not rows.duplicated(["user", "sequence"]).any()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("import nothing_like_this", "ModuleNotFoundError"),
        ("x = 1", "no class of users"),
        (FAILS_AT_START, "no user could start"),
    ],
)
def test_a_locustfile_that_cannot_be_used_is_reported(command, pages, tmp_path, content, message):
    (tmp_path / "mine.py").write_text(content)
    finished = run_on_target(command, pages, "--locustfile", str(tmp_path / "mine.py"), "--scenario", "burst-2")
    lines = error_lines(finished)
    assert message in "\n".join(lines)
    assert len(lines) <= 2
    assert command.processes() == []


def run_locustfile(command, url, tmp_path, content, *arguments):
    """Run a locustfile of this content under a load; return the finished command."""
    (tmp_path / "mine.py").write_text(content)
    return run_on_target(command, url, "--locustfile", str(tmp_path / "mine.py"), *arguments)


EVERY_SECOND_TASK_RAISES = """
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


def test_a_task_that_raises_is_counted_as_an_outcome(command, pages, tmp_path):
    finished = run_locustfile(
        command, pages, tmp_path, EVERY_SECOND_TASK_RAISES, "--scenario", "open-20", "--arrivals", "constant", *SHORT
    )
    record = record_of(finished)
    assert len(rows_of(finished)) == 20
    assert record["generator"]["task_errors"] == {"KeyError: 'bag'": 20}
    assert record["generator"]["started_tasks"] == {"warmup": 0, "measure": 40}
    assert reasons_apart_from_lag(record) == []
    assert "20 tasks ended with an error: 20 × KeyError: 'bag'" in finished.stderr


LEAVES_AFTER_ONE_REQUEST = """
from locust import FastHttpUser, task
from locust.exception import StopUser

class Brief(FastHttpUser):
    @task
    def look(self):
        self.client.get("/page")
        raise StopUser
"""


def test_an_open_load_whose_users_have_all_stopped_themselves_is_invalid(command, pages, tmp_path):
    """Four may be in flight, and each leaves after one request: no user is left for the other 36 that were due."""
    arguments = ("--scenario", "open-20", "--arrivals", "constant", "--users", "4", *SHORT)
    record = record_of(run_locustfile(command, pages, tmp_path, LEAVES_AFTER_ONE_REQUEST, *arguments))
    assert (record["status"], record["valid"], record["rows"]) == ("complete", False, 4)
    assert record["generator"]["users"] == {"present": 4, "left_early": 0, "stopped": 4}
    assert reasons_apart_from_lag(record) == ["tasks due but neither started nor counted as dropped: 36, allowed none"]


HALF_FAIL_AT_START = """
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


def test_users_that_could_not_start_make_the_run_invalid(command, pages, tmp_path):
    record = record_of(run_locustfile(command, pages, tmp_path, HALF_FAIL_AT_START, "--scenario", "burst-8"))
    assert record["rows"] == 4
    assert "users that did not start, or left early: 4, allowed none" in record["reasons"]
    assert record["generator"]["task_errors"] == {"ValueError: my own start": 4}


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


def test_a_generator_short_of_file_descriptors_does_not_blame_the_target(command, pages, tmp_path):
    finished = run_locustfile(command, pages, tmp_path, FEW_FILES, "--scenario", "burst-30")
    rows, record = rows_of(finished), record_of(finished)
    short = rows["error"].eq("load generator: too many open files in this process").sum()
    assert 0 < short < 30
    assert f"requests that failed in the load generator: {short}, allowed none" in record["reasons"]


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


def test_requests_of_another_protocol_are_recorded_by_user_and_phase(command, pages, tmp_path):
    arguments = ("--scenario", "open-100", "--arrivals", "constant", "--duration", "2", "--warmup", "1")
    finished = run_locustfile(command, pages, tmp_path, ANOTHER_PROTOCOL, *arguments)
    rows, record = rows_of(finished), record_of(finished)
    assert dict(rows["phase"].value_counts()) == {"measure": 200, "warmup": 100}
    assert rows["latency_us"].eq(30_000).all()
    # On a busy machine the sleep of a task may last longer than the client reports, as if it had paused before.
    assert rows["scheduled_us"].sort_values().diff().dropna().between(9_990, 10_010).mean() > 0.95
    assert not rows.duplicated(["user", "sequence"]).any()
    assert reasons_apart_from_lag(record) == []


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


def test_each_arrival_is_one_task_also_with_nested_tasks(command, pages, tmp_path):
    """In Locust a user that leaves a task set runs the next task at once; here that too waits for its arrival."""
    finished = run_locustfile(
        command, pages, tmp_path, NESTED, "--scenario", "open-40", "--arrivals", "constant", *SHORT
    )
    rows, record = rows_of(finished), record_of(finished)
    assert set(rows["endpoint"]) == {"GET inside", "GET outside"}
    assert (len(rows), record["generator"]["started_tasks"]["measure"]) == (80, 80)
    assert rows["scheduled_us"].sort_values().diff().dropna().between(24_990, 25_010).all()
    assert reasons_apart_from_lag(record) == []


OTHER_HOSTS = """
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


def test_no_load_goes_to_an_unconfirmed_host(command, tmp_path):
    class Redirecting(Pages):
        def do_GET(self):
            self.send_response(302)
            self.send_header("Location", "http://192.0.2.7/")
            self.send_header("Content-Length", "0")
            self.end_headers()

    with listening(Redirecting) as url:
        rows = rows_of(run_locustfile(command, url, tmp_path, OTHER_HOSTS, "--scenario", "burst-8"))
    assert set(rows["endpoint"]) == {"GET fast", "GET slow"}
    assert set(rows["error"]) == {"another host than the target's"}


BAD_REPORT = """
from locust import User, task

class Odd(User):
    @task
    def call(self):
        for exception in (None, Exception("half \\ud83d a pair")):
            self.environment.events.request.fire(
                request_type="RPC", name="call", response_time=1e300, response_length="long", exception=exception,
                context={},
            )
"""


def test_a_value_that_fits_no_row_costs_that_value_only(command, pages, tmp_path):
    finished = run_locustfile(command, pages, tmp_path, BAD_REPORT, "--scenario", "burst-4")
    rows, record = rows_of(finished), record_of(finished)
    assert sorted(rows["endpoint"]) == 2 * ["RPC call"] * 4
    assert rows[["bytes", "latency_us"]].isna().all(axis=None)
    assert rows["error"].dropna().unique().tolist() == ["half \\ud83d a pair"]
    assert record["generator"]["replaced_values"] == 4 * 5
    assert "20 values that fit into no row were replaced" in finished.stderr
    assert "8 requests have no latency, as their client reports no time: 8 × RPC call" in finished.stderr


def test_two_timing_headers_are_read_as_one(command, tmp_path):
    class TwoHeaders(Pages):
        def end_headers(self):
            self.send_header("Server-Timing", "proxy;dur=2")
            self.send_header("Server-Timing", "app;dur=1.5")
            super().end_headers()

    with listening(TwoHeaders) as url:
        rows = rows_of(run_locustfile(command, url, tmp_path, LOCUSTFILE, "--scenario", "burst-8"))
    assert set(rows["endpoint"]) == {"GET /page", "GET missing"}
    assert rows["app_us"].eq(1500).all()
