"""What a locustfile means in Locust it means under a scenario: waits, task sets, starts and stops, names, classes."""

import pytest

from tests.loadgen.finished_run import reasons_apart_from_lag, record_of, rows_of, run_on_target
from tests.loadgen.generator.timed_pages import TimedPages
from tests.loadgen.page_server import listening

PAUSE_US = 300_000


@pytest.fixture(scope="module")
def timed_pages():
    with listening(TimedPages) as url:
        yield url


@pytest.fixture
def drive(command, timed_pages, tmp_path):
    """Runs a locustfile of this content under a scenario; returns the rows, the record and the finished command."""

    def drive(content, *arguments):
        (tmp_path / "mine.py").write_text(content)
        finished = run_on_target(command, timed_pages, "--locustfile", str(tmp_path / "mine.py"), *arguments)
        return rows_of(finished), record_of(finished), finished

    return drive


CLASSES = """
from locust import FastHttpUser, HttpUser, SequentialTaskSet, constant, task
from locust.exception import StopUser

class Buyer(FastHttpUser):
    fixed_count = 3
    wait_time = constant(0.3)

    @task
    def buy(self):
        self.client.get("/cart")
        self.wait()
        self.client.get("/pay")

class Waiting(HttpUser):
    fixed_count = 1
    wait_time = constant(0.3)

    def on_start(self):
        self.client.get("/login")
        self.wait()
        self.client.get("/home")

    @task
    def look(self):
        self.client.get("/look", headers={"X-Request-ID": "mine"})

class Item(FastHttpUser):
    fixed_count = 2

    @task
    def item(self):
        self.client.get("/item", name="item")
        self.client.post("/item", name="item", data=b"1")

class Steps(SequentialTaskSet):
    def on_start(self):
        self.client.get("/enter")

    @task
    def first(self):
        self.client.get("/first")
        self.interrupt()

    @task
    def second(self):
        self.client.get("/second")

    def on_stop(self):
        self.client.get("/leave")

class Nested(FastHttpUser):
    fixed_count = 1
    tasks = [Steps]

class Gone(FastHttpUser):
    fixed_count = 1

    @task
    def once(self):
        self.client.get("/once")
        raise StopUser
"""


def test_a_burst_does_each_task_once_with_its_own_pauses(drive):
    rows, record, finished = drive(CLASSES, "--scenario", "burst-8")
    counts = rows.groupby(["endpoint", "phase"]).size().to_dict()
    assert counts == {
        ("GET /cart", "measure"): 3, ("GET /pay", "measure"): 3, ("GET /login", "start"): 1, ("GET /home", "start"): 1,
        ("GET /look", "measure"): 1, ("GET item", "measure"): 2, ("POST item", "measure"): 2,
        ("GET /enter", "start"): 1, ("GET /first", "measure"): 1, ("GET /leave", "stop"): 1,
        ("GET /once", "measure"): 1,
    }  # fmt: skip
    by_name = rows.set_index("endpoint")
    assert (by_name.loc["POST item", "latency_us"] > 200_000).all()
    assert (by_name.loc["GET item", "latency_us"] < 150_000).all()
    pauses_us = by_name.loc["GET /pay", "start_us"].to_numpy() - by_name.loc["GET /cart", "start_us"].to_numpy()
    assert (pauses_us >= PAUSE_US).all()
    assert by_name.loc["GET /home", "start_us"] - by_name.loc["GET /login", "start_us"] >= PAUSE_US
    assert by_name.loc["GET /look", "start_us"] > by_name.loc["GET /home", "start_us"]
    assert record["generator"]["started_tasks"] == {"warmup": 0, "measure": 8}
    assert record["generator"]["users"] == {"present": 8, "left_early": 0, "stopped": 1}
    assert "Buyer.wait_time has no effect between tasks" in finished.stderr
    assert "Steps: none of 1 users came to the last of its 2 steps" in finished.stderr


def test_an_arrival_of_open_load_is_one_task_with_all_of_its_requests(drive):
    """The pauses of the last tasks end after the load, and what follows them is of the arrivals that were due in it."""
    buyer = CLASSES[: CLASSES.index("class Waiting")].replace("    fixed_count = 3\n", "")
    leaving = buyer + '\n    def on_stop(self):\n        self.client.get("/logout")\n'
    given = ("--scenario", "open-20", "--arrivals", "constant", "--duration", "2", "--warmup", "1", "--users", "30")
    rows, record, _ = drive(leaving, *given)
    counts = rows.groupby(["endpoint", "phase"]).size()
    assert counts["GET /cart"].to_dict() == {"warmup": 20, "measure": 40}
    assert counts["GET /pay"].to_dict() == {"warmup": 20, "measure": 40}
    assert counts["GET /logout"].to_dict() == {"stop": 30}
    assert record["generator"]["dropped"] == {"warmup": 0, "measure": 0}
    assert reasons_apart_from_lag(record) == []


WITH_THINK_TIME = """
import time
import gevent
from locust import FastHttpUser, TaskSet, User, constant, constant_pacing, task

class Paced(FastHttpUser):
    fixed_count = 1
    wait_time = constant_pacing(0.5)

    @task
    def slow(self):
        self.client.post("/slow")

class OwnWait(TaskSet):
    wait_time = constant(0.1)

    @task
    def often(self):
        self.client.get("/often")

class InTaskSet(FastHttpUser):
    fixed_count = 1
    wait_time = constant(100)
    tasks = [OwnWait]

class Sleepy(FastHttpUser):
    fixed_count = 2
    wait_time = constant(180)

    @task
    def look(self):
        self.client.get("/sleepy")
        time.sleep(180 if self.environment.runner.user_count else 0)

class Socket(User):
    fixed_count = 1
    wait_time = constant(0.2)

    def on_start(self):
        self.receiving = gevent.spawn(self.receive)

    def receive(self):
        while True:
            gevent.sleep(0.1)
            self.environment.events.request.fire(
                request_type="WS", name="message", response_time=20, response_length=1, exception=None, context={}
            )

    def on_stop(self):
        self.receiving.kill()

    @task
    def report(self):
        self.environment.events.request.fire(
            request_type="METRIC", name="queued", response_time=100_000, response_length=0, exception=None, context={}
        )
        for name, value in (("nothing", None), ("negative", -5), ("endless", 10**15), ("nan", float("nan"))):
            self.environment.events.request.fire(
                request_type="ODD", name=name, response_time=value, response_length=-1, exception=None, context={}
            )
"""


def test_think_time_is_that_of_the_classes_and_the_end_of_the_load_ends_all_pauses(drive):
    rows, record, finished = drive(WITH_THINK_TIME, "--scenario", "sustained-5", "--duration", "6", "--warmup", "1")
    by_name = {name: group.sort_values("start_us") for name, group in rows.groupby("endpoint")}
    paced_us = by_name["POST /slow"]["start_us"].diff().dropna()
    assert (len(paced_us), paced_us.median()) == (pytest.approx(9, abs=3), pytest.approx(500_000, abs=40_000))
    assert by_name["GET /often"]["start_us"].diff().median() == pytest.approx(110_000, abs=30_000)
    assert by_name["GET /sleepy"]["user"].value_counts().max() == 1
    messages = by_name["WS message"]
    assert messages["user"].notna().all()
    assert messages["user"].nunique() == 1
    assert {"warmup", "measure"} <= set(messages["phase"])
    assert 40 <= (messages["phase"] == "measure").sum() <= 61
    metrics = by_name["METRIC queued"]  # 100 s before its report there was no load
    assert 20 <= (metrics["phase"] == "measure").sum() <= 31
    odd = rows[rows["endpoint"].str.startswith("ODD ")]
    assert set(odd["endpoint"]) == {"ODD nothing", "ODD negative", "ODD endless", "ODD nan"}
    assert odd[["latency_us", "bytes"]].isna().all(axis=None)
    assert "ODD negative" in finished.stderr
    assert rows["start_us"].max() - rows["scheduled_us"].min() < 25_000_000
    assert reasons_apart_from_lag(record) == []


STOPS_THE_LOAD = """
from itertools import count
from locust import FastHttpUser, constant, events, task

turns = count()

@events.quitting.add_listener
def fail_the_job(environment, **_):
    environment.process_exit_code = 7

@events.request.add_listener
def broken(**_):
    raise KeyError("mine")

class Impatient(FastHttpUser):
    wait_time = constant(0.1)

    @task
    def look(self):
        self.client.get("/page")
        if next(turns) == 5:
            self.environment.runner.quit()
"""


def test_a_locustfile_that_stops_the_load_ends_the_run_with_all_rows(drive):
    rows, record, finished = drive(STOPS_THE_LOAD, "--scenario", "sustained-3", "--duration", "60", "--warmup", "0")
    assert (record["status"], len(rows), record["generator"]["requests"]) == ("complete", len(rows), len(rows))
    assert 6 <= len(rows) <= 8
    assert "loads that the locustfile stopped before their end: 1, allowed none" in record["reasons"]
    assert finished.returncode == 3
    assert "the locustfile set the exit code 7" in finished.stderr
    assert "a listener or a greenlet of the locustfile raised an exception" in finished.stderr


NEVER_ANSWERED = """
from locust import FastHttpUser, HttpUser, task
from loadgen.generator import load_end

load_end.MAX_ANSWER_NS = 1_000_000_000

class Fast(FastHttpUser):
    fixed_count = 1

    @task
    def look(self):
        self.client.get("/silent", name="fast")

class Plain(HttpUser):
    fixed_count = 1

    @task
    def look(self):
        self.client.get("/silent?of=plain")
"""


def test_a_request_without_an_answer_is_a_failure_some_time_after_the_end_of_the_load(drive):
    rows, record, _ = drive(NEVER_ANSWERED, "--scenario", "sustained-2", "--duration", "4", "--warmup", "0")
    assert sorted(rows["endpoint"]) == ["GET /silent?of=plain", "GET fast"]
    assert set(rows["error"]) == {"no answer long after the end of the load"}
    assert rows["latency_us"].between(900_000, 8_000_000).all()
    assert record["generator"]["rows"] == record["generator"]["requests"] == 2
