"""What requests wait for the event loop of a gevent worker, on gunicorn and PostgreSQL."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import NamedTuple

import gevent
import greenlet
import pytest

from instrumentation.loop_wait import GRACE_NS, watch
from instrumentation.server_timing import PARTS
from loadgen import services
from tests.processes import wait_until
from tests.timings import server_timing
from workbench.paths import REPOSITORY

COMPUTED_MS = 300
SLEEP_MS = 200
QUERY = f"/query?ms={SLEEP_MS}"
PATIENCE_S = 30
APPLICATION = "tests.instrumentation.loop_app:app"
QUIET = ("--no-control-socket", "--log-level", "warning")


class Answer(NamedTuple):
    """The times of a request by part (µs), and whether the server traces greenlets."""

    times_us: dict[str, int]
    is_traced: bool


class Served:
    """The application of `loop_app`."""

    def __init__(self, url: str):
        self.url = url

    def get(self, path: str) -> Answer:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=PATIENCE_S) as response:
            return Answer(server_timing(response.headers["Server-Timing"]), response.read() == b"traced")

    def together(self, *paths: str) -> list[Answer]:
        with ThreadPoolExecutor(len(paths)) as clients:
            return list(clients.map(self.get, paths))

    def answers(self) -> bool:
        with suppress(OSError):
            return bool(self.get("/compute?ms=0&behind=0"))
        return False


@contextmanager
def served(database_url: str, *words: str) -> Iterator[Served]:
    address = f"127.0.0.1:{services.free_port()}"
    command = [sys.executable, "-m", "gunicorn", "--bind", address, *QUIET, *words, APPLICATION]
    process = subprocess.Popen(command, cwd=REPOSITORY, env=os.environ | {"LOOP_DATABASE": database_url})
    try:
        application = Served(f"http://{address}")
        wait_until(application.answers)
        yield application
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def on_gevent(server, database) -> Iterator[Served]:
    with served(server.application_url_of(database), "--worker-class", "gevent") as application:
        yield application


def computing(behind: int) -> str:
    """A request that computes as soon as so many others wait."""
    return f"/compute?ms={COMPUTED_MS}&behind={behind}"


def parts_us(answer: Answer) -> int:
    return sum(answer.times_us[f"{part}_us"] for part in PARTS)


def test_a_wait_for_the_database_is_without_the_time_that_another_request_computed(on_gevent):
    _, query = on_gevent.together(computing(behind=1), QUERY)
    assert query.times_us["loop_us"] >= 1000 * COMPUTED_MS
    assert query.times_us["db_us"] <= query.times_us["app_us"] - 1000 * COMPUTED_MS
    assert parts_us(query) <= query.times_us["app_us"] + len(PARTS)


def test_a_wait_for_a_connection_is_without_the_time_that_another_request_computed(on_gevent):
    _, *queries = on_gevent.together(computing(behind=2), QUERY, QUERY)
    last = max(queries, key=lambda query: query.times_us["app_us"])
    assert last.times_us["loop_us"] >= 1000 * COMPUTED_MS - GRACE_NS / 1000
    assert last.times_us["pool_us"] <= last.times_us["app_us"] - last.times_us["loop_us"] - 1000 * SLEEP_MS + len(PARTS)
    assert all(parts_us(query) <= query.times_us["app_us"] + len(PARTS) for query in queries)


def test_a_wait_that_no_computation_prolongs_stays_in_its_part(on_gevent):
    query = on_gevent.get(QUERY)
    assert query.is_traced
    assert query.times_us["db_us"] >= 1000 * SLEEP_MS


def test_what_a_request_computes_itself_is_no_wait_for_the_loop(on_gevent):
    compute = on_gevent.get(computing(behind=0))
    assert compute.times_us["loop_us"] == 0
    assert compute.times_us["app_us"] >= 1000 * COMPUTED_MS


@pytest.mark.parametrize("words", [(), ("--worker-class", "gthread", "--threads", "4")], ids=["sync", "gthread"])
def test_a_worker_without_a_loop_watches_none(server, database, words):
    with served(server.application_url_of(database), *words) as application:
        query = application.get("/query?ms=1")
    assert query.times_us["loop_us"] == 0
    assert not query.is_traced


def test_a_loop_that_another_tracer_watches_is_not_known():
    def tracer(event, greenlets):
        pass

    greenlet.settrace(tracer)
    try:
        assert not gevent.spawn(watch, lambda: None).get()
        assert greenlet.gettrace() is tracer
    finally:
        greenlet.settrace(None)
