"""The times at which requests are sent, by the rows of real runs: steps and ramps, several processes, the cap."""

import itertools
import time
from urllib.parse import parse_qs

import pytest

from loadgen.accounts import username
from tests.loadgen.finished_run import reasons_apart_from_lag, record_of, rows_of, run_on_target
from tests.loadgen.page_server import Pages, listening

VISITOR = """
from locust import FastHttpUser, task

class Visitor(FastHttpUser):
    @task
    def look(self):
        self.client.get("/page")
"""
BUSY = """
import time
from locust import FastHttpUser, task

class Busy(FastHttpUser):
    @task
    def look(self):
        self.client.get("/page")
        until = time.thread_time() + 0.05
        while time.thread_time() < until:
            pass
"""
CONSTANT = ("--arrivals", "constant", "--warmup", "0")


@pytest.fixture
def visit(command, pages, tmp_path):
    """Runs a scenario with users that visit a page; returns the finished command."""

    def visit(scenario, *arguments, url=pages, content=VISITOR):
        (tmp_path / "visitor.py").write_text(content)
        return run_on_target(
            command, url, "--locustfile", str(tmp_path / "visitor.py"), "--scenario", scenario, *arguments
        )

    return visit


def test_steps_have_their_rate_and_duration(visit):
    rows = rows_of(visit("steps-50", "--duration", "5", *CONSTANT))
    second = (rows["scheduled_us"] - rows["scheduled_us"].min()) // 1_000_000
    assert dict(second.value_counts()) == {0: 10, 1: 20, 2: 30, 3: 40, 4: 50}


def test_a_ramp_rises_evenly(visit):
    """From 1 to 41 a second within 4 s: 84 in all, 22 of them in the first half."""
    rows = rows_of(visit("ramp-41", "--duration", "4", *CONSTANT))
    since_us = rows["scheduled_us"].sort_values() - rows["scheduled_us"].min()
    assert (len(rows), (since_us < 2_000_000).sum()) == (84, 22)
    assert since_us.diff().dropna().is_monotonic_decreasing


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_burst_begins_in_one_instant(visit, processes):
    finished = visit("burst-9", "--processes", processes)
    rows, record = rows_of(finished), record_of(finished)
    assert len(rows) == rows["user"].nunique() == 9
    assert rows["scheduled_us"].nunique() == 1
    assert [reason for reason in record["reasons"] if "first sends" not in reason and "CPU" not in reason] == []


@pytest.mark.exclusive
@pytest.mark.parametrize(("scenario", "processes"), [("sustained-9", "1"), ("sustained-9", "2")])
def test_users_with_think_time_do_not_start_in_step(visit, scenario, processes):
    """Each starts within 3 s, and then waits for 1 to 3 s between requests."""
    finished = visit(scenario, "--duration", "6", "--warmup", "1", "--processes", processes)
    rows, record = rows_of(finished), record_of(finished)
    assert reasons_apart_from_lag(record) == []
    assert rows["user"].nunique() == 9
    assert set(rows["phase"]) == {"warmup", "measure"}
    by_user = rows.sort_values("start_us").groupby("user")
    first_us = by_user["start_us"].min()
    assert first_us.max() - first_us.min() > 500_000
    waited_us = rows["scheduled_us"] - by_user["start_us"].shift() - by_user["latency_us"].shift()
    assert waited_us.dropna().between(1_000_000, 3_100_000).all()


@pytest.mark.exclusive  # how many requests of half a second each are sent within three seconds
def test_arrivals_beyond_the_users_wait_and_only_what_cannot_be_drained_is_dropped(visit):
    """Five at a time, of half a second each, are ten a second: 150 are due in 3 s, and 10 s more are left for them."""

    class Slow(Pages):
        def do_GET(self):
            time.sleep(0.5)
            self.answer(200)

    with listening(Slow) as url:
        finished = visit("open-50", "--users", "5", "--duration", "3", *CONSTANT, url=url)
    rows, record = rows_of(finished), record_of(finished)
    dropped = record["generator"]["dropped"]["measure"]
    assert record["generator"]["most_in_flight"] == 5
    assert (len(rows) + dropped, record["generator"]["started_tasks"]["measure"]) == (150, len(rows))
    assert 115 <= len(rows) <= 135
    waited_us = rows["user_wait_us"].sort_values()
    assert waited_us.iloc[:5].lt(1000).all()
    assert waited_us.iloc[-1] > 8_000_000
    assert (rows["response_us"] >= rows["latency_us"] + rows["user_wait_us"]).all()
    assert set(rows["phase"]) == {"measure"}
    assert reasons_apart_from_lag(record) == []  # that a target is too slow is an outcome
    sent_rps = len(rows) / ((rows["start_us"].max() - rows["scheduled_us"].min()) / 1e6)
    rates = f"{sent_rps:.1f} a second were sent of 50.0 that were due"
    assert f"{dropped} of 150 arrivals were dropped" in finished.stderr
    assert rates in finished.stderr


@pytest.mark.exclusive
def test_a_rate_that_the_generator_cannot_reach_is_reported_with_the_rate_sent(visit):
    """A task takes 50 ms of the generator's core, so 60 a second are out of reach."""
    finished = visit("open-60", "--duration", "3", *CONSTANT, content=BUSY)
    rows, record = rows_of(finished), record_of(finished)
    assert record["valid"] is False
    assert len(rows) + record["generator"]["dropped"]["measure"] == 180
    sent_rps = len(rows) / ((rows["start_us"].max() - rows["scheduled_us"].min()) / 1e6)
    assert sent_rps < 45
    message = f"could not keep up: {sent_rps:.1f} a second were sent of 60.0 that were due"
    assert message in finished.stderr


def test_the_published_users_share_one_jar_and_one_account(command):
    """Each login gives another session: with one jar all users have the last one."""
    accounts, cookies, sessions = set(), [], itertools.count()

    class Sessions(Pages):
        def do_POST(self):
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            accounts.add(form["username"][0])
            self.answer(200)

        def do_GET(self):
            if self.path.startswith("/api/dashboard"):
                time.sleep(0.5)  # until all have logged in
            else:
                cookies.append(self.headers["Cookie"])
            self.answer(200)

        def end_headers(self):
            if self.command == "POST":
                self.send_header("Set-Cookie", f"session={next(sessions)}; Path=/")
            super().end_headers()

    with listening(Sessions) as url:
        finished = run_on_target(command, url, "--scenario", "burst-5-shared-jar", "--scale", "small")
    assert accounts == {username(0, 100)}
    (availability_check, *searched) = cookies
    assert availability_check is None
    assert (len(searched), len(set(searched))) == (5, 1)
    assert searched[0].startswith("session=")
    assert rows_of(finished)["ok"].tolist() == [True] * 15  # any 200 is taken for success
