"""When requests go out, as the rows of real runs have it: by step and ramp, from several processes, up to the cap."""

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
    """Runs a scenario with visitors of a page: what was left of it."""

    def visit(scenario, *arguments, url=pages, content=VISITOR):
        (tmp_path / "visitor.py").write_text(content)
        return run_on_target(
            command, url, "--locustfile", str(tmp_path / "visitor.py"), "--scenario", scenario, *arguments
        )

    return visit


def test_steps_are_as_high_and_as_long_as_they_say(visit):
    found = rows_of(visit("steps-50", "--duration", "5", *CONSTANT))
    assert found["scheduled_us"].is_monotonic_increasing
    second = (found["scheduled_us"] - found["scheduled_us"].min()) // 1_000_000
    assert dict(second.value_counts()) == {0: 10, 1: 20, 2: 30, 3: 40, 4: 50}


def test_a_ramp_rises_evenly(visit):
    """From 1 to 41 a second within 4 s: 84 in all, 22 of them in the first half."""
    found = rows_of(visit("ramp-41", "--duration", "4", *CONSTANT))
    since_us = found["scheduled_us"] - found["scheduled_us"].min()
    assert (len(found), (since_us < 2_000_000).sum()) == (84, 22)
    assert found["scheduled_us"].diff().dropna().is_monotonic_decreasing


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_burst_begins_in_one_instant(visit, processes):
    finished = visit("burst-9", "--processes", processes)
    found, said = rows_of(finished), record_of(finished)
    assert len(found) == found["user"].nunique() == 9
    assert found["scheduled_us"].nunique() == 1
    assert [reason for reason in said["reasons"] if "first sends" not in reason and "CPU" not in reason] == []


@pytest.mark.parametrize(("scenario", "processes"), [("sustained-9", "1"), ("sustained-9", "2"), ("soak-9", "2")])
def test_users_who_think_do_not_begin_in_step(visit, scenario, processes):
    """Each after up to 3 s, and then with 1 to 3 s in between."""
    finished = visit(scenario, "--duration", "6", "--warmup", "1", "--processes", processes)
    found, said = rows_of(finished), record_of(finished)
    assert reasons_apart_from_lag(said) == []
    assert found["user"].nunique() == 9
    assert set(found["phase"]) == {"warmup", "measure"}
    by_user = found.sort_values("start_us").groupby("user")
    first_us = by_user["start_us"].min()
    assert first_us.max() - first_us.min() > 500_000
    waited_us = found["scheduled_us"] - by_user["start_us"].shift() - by_user["latency_us"].shift()
    assert waited_us.dropna().between(1_000_000, 3_100_000).all()


def test_no_more_are_in_flight_than_may_be_and_the_rest_is_counted(visit):
    """Five at a time, of half a second each, are ten a second."""

    class Slow(Pages):
        def do_GET(self):
            time.sleep(0.5)
            self.answer(200)

    with listening(Slow) as url:
        finished = visit("open-50", "--users", "5", "--duration", "3", *CONSTANT, url=url)
    found, said = rows_of(finished), record_of(finished)
    unsent = said["generator"]["dropped"]["measure"]
    assert said["generator"]["most_in_flight"] == 5
    assert (len(found) + unsent, said["generator"]["started_tasks"]["measure"]) == (150, len(found))
    assert 20 <= len(found) <= 30
    assert reasons_apart_from_lag(said) == []  # that a target is too slow is an outcome
    rates = f"{len(found) / 3:.1f} a second were sent of 50.0 that were due"
    assert f"{unsent} of 150 requests could not be sent, as 5 were in flight: {rates}" in finished.stderr


def test_a_rate_that_the_generator_cannot_reach_is_told_with_the_one_that_was(visit):
    """A task takes it 50 ms of its core, so it is far from making 60 a second."""
    finished = visit("open-60", "--duration", "3", *CONSTANT, content=BUSY)
    found, said = rows_of(finished), record_of(finished)
    assert said["valid"] is False
    assert len(found) + said["generator"]["dropped"]["measure"] == 180
    sent_rps = len(found) / ((found["start_us"].max() - found["scheduled_us"].min()) / 1e6)
    assert sent_rps < 45
    told = f"could not keep up: {sent_rps:.1f} a second were sent of 60.0 that were due"
    assert told in finished.stderr


def test_the_published_jar_is_one_for_all_and_so_is_the_account(command):
    """Each login gives another session: with one jar the last of them is everybody's."""
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
    (asked_whether_it_is_there, *searched) = cookies
    assert asked_whether_it_is_there is None
    assert (len(searched), len(set(searched))) == (5, 1)
    assert searched[0].startswith("session=")
    assert rows_of(finished)["ok"].tolist() == [True] * 15  # any 200 is taken for success
