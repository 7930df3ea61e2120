"""The users of a run, in Locust's process. `loadgen.run` starts it and says by environment what to do:

TRACETRACK_RUN_DIRECTORY  where the rows go
TRACETRACK_RUN_STARTED_NS the monotonic clock at the start of the run
TRACETRACK_SCENARIO       the scenario as JSON
TRACETRACK_SEED           seed of the users' random numbers
TRACETRACK_ROWS           rows by table, from which existing ids are drawn, as JSON
"""

import json
import os
import random
import time
from contextlib import suppress
from pathlib import Path

import gevent
from gevent.event import Event
from locust import FastHttpUser, events, task
from locust.exception import StopUser

from analysis.stream import request_name
from loadgen.accounts import PASSWORD, username
from loadgen.recorder import WRITE_FAILED, Recorder, server_timing
from loadgen.terms import Terms, child

DIRECTORY = Path(os.environ["TRACETRACK_RUN_DIRECTORY"])
STARTED_NS = int(os.environ["TRACETRACK_RUN_STARTED_NS"])
SCENARIO = json.loads(os.environ["TRACETRACK_SCENARIO"])
SEED = int(os.environ["TRACETRACK_SEED"])
ROWS = json.loads(os.environ["TRACETRACK_ROWS"])

STATISTICS = {"total_bags", "total_scans", "total_bills", "active_users"}
FLUSH_EVERY_S = 1.0


class Crowd:
    """All users together: they are let go in one instant, and the last to finish ends the test."""

    def __init__(self):
        self._released = Event()
        self._arrived = self._finished = 0
        self.released_ns = self.released_cpu_ns = 0
        self.cpu_ms = None  # of this process from the first send to the last answer

    def wait_for_all(self):
        self._arrived += 1
        if self._arrived == SCENARIO["users"]:
            self.released_ns, self.released_cpu_ns = time.monotonic_ns(), time.process_time_ns()
            self._released.set()
        self._released.wait()

    def finish(self, environment):
        self._finished += 1
        if self._finished == SCENARIO["users"]:
            self.cpu_ms = (time.process_time_ns() - self.released_cpu_ns) / 1e6
            environment.runner.quit()
        raise StopUser


crowd = Crowd()


class TraceTrackUser(FastHttpUser):
    """One person with their own cookie jar; the scenario decides what they do."""

    network_timeout = 300.0
    connection_timeout = 300.0
    _count = 0

    def __init__(self, environment):
        super().__init__(environment)
        self.number = TraceTrackUser._count
        TraceTrackUser._count += 1
        self.sequence = 0
        self.scheduled_ns = None
        self.warm = False
        self.random = random.Random(f"{SEED}/{self.number}")
        self.terms = Terms(SCENARIO["terms"], ROWS, self.random)
        self.account = username(self.number, ROWS["user"])

    @task
    def live(self):
        crowd.wait_for_all()
        {"single": self.passes, "burst": self.passes, "sustained": self.shift}[SCENARIO["kind"]]()
        crowd.finish(self.environment)

    def passes(self):
        self.scheduled_ns = crowd.released_ns
        if "login" not in SCENARIO["steps"]:
            self.login()
        for turn in range(SCENARIO["warmup_passes"] + SCENARIO["passes"]):
            self.warm = turn >= SCENARIO["warmup_passes"]
            for step in SCENARIO["steps"]:
                getattr(self, step)()

    def shift(self):
        """Requests with think time between them until the time is up; nothing in flight is cut off."""
        warm_ns = crowd.released_ns + round(SCENARIO["warmup_s"] * 1e9)
        end_ns = warm_ns + round(SCENARIO["duration_s"] * 1e9)
        shortest_s, longest_s = SCENARIO["think_s"]
        gevent.sleep(self.random.uniform(0, longest_s))  # or all would stay in step
        action = self.login
        while time.monotonic_ns() < end_ns:
            self.warm = time.monotonic_ns() >= warm_ns
            action()
            gevent.sleep(self.random.uniform(shortest_s, longest_s))
            (name,) = self.random.choices(list(SCENARIO["shares"]), list(SCENARIO["shares"].values()))
            action = getattr(self, name)

    def login(self):
        form = {"username": self.account, "password": PASSWORD}
        self.send("POST", "/login", "login", login_complaint, data=form)

    def dashboard(self):
        self.send("GET", "/api/dashboard/stats", "dashboard", dashboard_complaint)

    def search(self):
        term, expected = self.terms.draw()
        complaint = lambda response: search_complaint(response, expected)  # noqa: E731
        self.send("GET", "/api/bags/search", "search", complaint, params={"q": term})

    def scan(self):
        qr_id = child(self.random.randint(1, ROWS["link"]))
        complaint = lambda response: scan_complaint(response, qr_id)  # noqa: E731
        self.send("POST", "/api/scans", "scan", complaint, json={"qr_id": qr_id})

    def send(self, method, path, endpoint, complaint, **request):
        """One request, judged by the content of its answer."""
        self.sequence += 1
        sent_ns = time.monotonic_ns()
        context = {
            "user": self.number,
            "sequence": self.sequence,
            "phase": "measure" if self.warm else "warmup",
            "sent_ns": sent_ns,
            "received_ns": [],  # a list, because Locust hands on a copy of the context
            "scheduled_ns": self.scheduled_ns or sent_ns,
        }
        self.scheduled_ns = None
        name = request_name(self.number, self.sequence)
        with self.client.request(
            method,
            path,
            name=endpoint,
            catch_response=True,
            allow_redirects=False,
            headers={"X-Request-Start": f"t={sent_ns}", "X-Request-ID": name, "Idempotency-Key": name},
            context=context,
            **request,
        ) as response:
            context["received_ns"].append(time.monotonic_ns())
            if response.status_code and (wrong := complaint(response)):
                response.failure(wrong)


def login_complaint(response):
    if response.status_code != 302:
        return f"login answered {response.status_code}"
    if (target := response.headers.get("location", "")) != "/":
        return f"login led to {target[:40]}"
    return None


def dashboard_complaint(response):
    answer, wrong = json_answer(response)
    if wrong:
        return wrong
    if set(answer.get("stats", ())) != STATISTICS or len(answer.get("recent_activity", ())) != 10:
        return "statistics without the expected fields"
    missing = {name for name, figure in answer["stats"].items() if figure is None}
    if not set(SCENARIO["unavailable"]) == missing == set(answer.get("unavailable", ())):
        return f"statistics without {', '.join(sorted(missing)) or 'what is missing named'}"
    return None


def search_complaint(response, expected):
    answer, wrong = json_answer(response)
    if wrong:
        return wrong
    found = [bag.get("qr_id") for bag in answer.get("bags", ())]
    if answer.get("count") != len(found):
        return "search without the expected fields"
    if expected is not None and expected not in found:
        return "search did not find the bag"
    return None


def scan_complaint(response, qr_id):
    answer, wrong = json_answer(response, 201)
    if wrong:
        return wrong
    return None if answer.get("scan", {}).get("qr_id") == qr_id else "a scan of another bag"


def json_answer(response, status=200):
    """The JSON object of a good answer, or what is wrong with it."""
    if response.status_code != status:
        return {}, f"status {response.status_code}"
    try:
        answer = json.loads(response.content)
    except ValueError:
        return {}, "not JSON"
    if not isinstance(answer, dict) or answer.get("success") is not True:
        return {}, "not a success by its content"
    return answer, None


@events.init.add_listener
def start_recording(environment, **_):
    def give_up(reason):
        with suppress(OSError):  # on a full disk the code alone has to tell
            (DIRECTORY / "generator-error.txt").write_text(reason)
        environment.process_exit_code = WRITE_FAILED
        environment.runner.quit()

    recorder = Recorder(DIRECTORY, give_up)

    def keep_flushing():
        while True:
            gevent.sleep(FLUSH_EVERY_S)
            recorder.flush()

    def record(name, response_length, response, context, exception, **_):
        # By our own stamps: Locust's watch starts later, by much where the generator has to wait for its core.
        latency_us = (context["received_ns"][0] - context["sent_ns"]) // 1000
        late_us = (context["sent_ns"] - context["scheduled_ns"]) // 1000
        status = getattr(response, "status_code", 0)
        recorder.add(
            {
                "user": context["user"],
                "sequence": context["sequence"],
                "endpoint": name,
                "phase": context["phase"],
                "scheduled_us": (context["scheduled_ns"] - STARTED_NS) // 1000,
                "start_us": (context["sent_ns"] - STARTED_NS) // 1000,
                "latency_us": latency_us,
                "response_us": late_us + latency_us,
                "status": status or None,
                "ok": exception is None,
                "error": None if exception is None else str(exception)[:200],
                "bytes": response_length,
                **server_timing((getattr(response, "headers", None) or {}).get("server-timing")),
            }
        )

    def finish(environment, **_):
        recorder.close()
        told = {"requests": environment.stats.total.num_requests, "rows": recorder.rows, "cpu_ms": crowd.cpu_ms}
        (DIRECTORY / "generator.json").write_text(json.dumps(told))

    environment.events.request.add_listener(record)
    environment.events.quitting.add_listener(finish)
    gevent.spawn(keep_flushing)
