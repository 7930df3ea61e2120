"""Each kind of server: right answers to many at once, one answer made for all, and who waits for whom."""

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from urllib.parse import urlencode

import psutil
import pytest

from loadgen.accounts import PASSWORD
from loadgen.application import CONFIGURATION

STATISTICS = "/api/dashboard/stats"
PATIENCE_S = 10
# Greenlets that wait in turns.
COOPERATIVE = {"server": "gevent", "deadlines": True}


@pytest.fixture
def settings(settings, store):
    return replace(
        settings,
        cache="shared",
        sessions="shared",
        redis_url=store.url,
        store_prefix=store.prefix,
        store_timeout_ms=5000,
        pool_size=4,
        pool_max_overflow=0,
    )


@pytest.fixture
def locked(server, database):
    """Holds a table so that nobody else reads it."""

    @contextmanager
    def held(table):
        with closing(server.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(f"LOCK TABLE tracetrack.{table} IN ACCESS EXCLUSIVE MODE")
            yield

    return held


@pytest.fixture
def waiting(server, database):
    """The backends of the application that wait for a table, once there are so many."""

    def backends(number):
        end_s = time.monotonic() + PATIENCE_S
        with closing(server.connect(database)) as connection, connection.cursor() as cursor:
            while True:
                cursor.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name = 'tracetrack' "
                    "AND wait_event_type = 'Lock'",
                    (database,),
                )
                if len(found := [pid for (pid,) in cursor.fetchall()]) >= number:
                    return found
                assert time.monotonic() < end_s
                time.sleep(0.02)

    return backends


def search(term):
    return f"/api/bags/search?q={term}"


def found(answer):
    assert answer.status == 200, answer.text
    return [bag["qr_id"] for bag in answer.json["bags"]]


def misses(visitor, endpoint):
    """By worker that was asked at all."""
    pattern = rf'cache_requests_total\{{endpoint="{endpoint}",outcome="(\w+)",worker="(\S+)"\}} (\S+)'
    counted = {}
    for outcome, worker, number in re.findall(pattern, visitor.get("/metrics").text):
        counted.setdefault(worker, {})[outcome] = int(float(number))
    return {worker: outcomes["miss"] for worker, outcomes in counted.items() if sum(outcomes.values())}


@pytest.mark.parametrize(
    ("server_kind", "cache"),
    [("gthread", "process"), ("gthread", "shared"), ("gevent", "process"), ("gevent", "shared")],
)
def test_fifty_at_once_make_one_answer(serve, visit, settings, locked, waiting, server_kind, cache):
    kind = COOPERATIVE if server_kind == "gevent" else {"server": "gthread", "threads": 64}
    served = serve(replace(settings, **kind, workers=2, cache=cache))
    visitor = visit(served).login()
    with ThreadPoolExecutor(100) as pool:
        with locked("bag"):
            asked = [pool.submit(visitor.get, path) for path in [STATISTICS, search("M444-0000007")] * 50]
            waiting(2)
            time.sleep(0.5)
        answers = [future.result() for future in asked]
    assert {answer.status for answer in answers} == {200}
    assert all(found(answer) == ["M444-0000007"] for answer in answers[1::2])
    assert len({answer.json["timestamp"] for answer in answers[::2]}) == sum(misses(visitor, "dashboard").values())
    for endpoint in ("dashboard", "search"):
        made = misses(visitor, endpoint)
        assert len(made) == 2
        if cache == "process":
            assert set(made.values()) == {1}
        else:
            assert sum(made.values()) == 1


SERVERS = {
    "sync": {"server": "sync"},
    "gthread": {"server": "gthread", "threads": 4},
    "gevent": COOPERATIVE,
}


@pytest.mark.parametrize("kind", SERVERS)
def test_many_at_once_each_get_their_own_right_answers(serve, visit, settings, kind):
    served = serve(replace(settings, workers=2, **SERVERS[kind]))

    def stay(number):
        visitor = visit(served).login(f"user{number:03d}")
        workers = set()
        for turn in range(6):
            answer = visitor.get(STATISTICS)
            assert answer.json["user_context"]["username"] == f"user{number:03d}"
            assert answer.json["stats"]["total_bags"] > 0
            wanted = f"M444-{number * 10 + turn % 3:07d}"
            assert found(visitor.get(search(wanted))) == [wanted]
            workers.add(answer.headers["Server-Timing"].rpartition('worker;desc="')[2])
        assert visitor.post("/logout", b"").status == 302
        assert visitor.get(STATISTICS).status == 401
        return workers

    with ThreadPoolExecutor(6) as pool:
        workers = set().union(*pool.map(stay, range(1, 7)))
    assert len(workers) == 2
    assert [path for path in unix_sockets(served) if path] == []


def unix_sockets(served):
    master = psutil.Process(served.child.pid)
    family = [master, *master.children(recursive=True)]
    return [connection.laddr for process in family for connection in process.net_connections("unix")]


@pytest.mark.parametrize("deadlines", [True, False])
def test_greenlets_go_on_while_one_waits_for_the_database_only_with_deadlines(
    serve, visit, settings, locked, waiting, deadlines
):
    served = serve(replace(settings, server="gevent", deadlines=deadlines))
    visitor = visit(served).login()
    with ThreadPoolExecutor(5) as pool:
        with locked("bill"):
            held_up = pool.submit(visitor.get, STATISTICS)
            waiting(1)
            others = [pool.submit(visitor.get, search(f"M444-000000{number}")) for number in range(1, 4)]
            others.append(pool.submit(visitor.get, "/health"))
            done, _ = wait_for(others, timeout=PATIENCE_S if deadlines else 1.0)
            assert not held_up.done()
            assert len(done) == (len(others) if deadlines else 0)
        assert {future.result().status for future in [held_up, *others]} == {200}


def test_a_cookie_is_for_tls_where_a_proxy_of_this_host_says_that_the_request_was(serve, visit, settings):
    served = serve(settings)
    form = urlencode({"username": "user001", "password": PASSWORD}).encode()
    for headers, is_secure in (({"X-Forwarded-Proto": "https"}, True), ({}, False)):
        answer = visit(served).post("/login", form, **headers)
        assert answer.status == 302
        assert ("Secure" in answer.headers["Set-Cookie"].split("; ")) == is_secure


@contextmanager
def frozen(pids):
    with ExitStack() as stack:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            stack.callback(os.kill, pid, signal.SIGCONT)
        yield


def refused_within(seconds, visitor, paths):
    """All of them at once are told that the database is not there."""
    with ThreadPoolExecutor(len(paths)) as pool:
        started_s = time.monotonic()
        answers = list(pool.map(visitor.get, paths))
    assert time.monotonic() - started_s < seconds
    assert {answer.status for answer in answers} == {503}
    return True


def test_greenlets_hold_their_deadlines_whatever_is_frozen(serve, visit, settings, server, locked, waiting):
    timeouts = {"connect_timeout_s": 1, "pool_timeout_s": 3, "statement_timeout_ms": 1000}
    served = serve(replace(settings, **COOPERATIVE, **timeouts))
    visitor = visit(served).login()
    with ThreadPoolExecutor(1) as pool, locked("bill"):
        held_up = pool.submit(visitor.get, STATISTICS)
        with frozen(waiting(1)):
            assert visitor.get(search("M444-0000001")).status == 200
            assert not held_up.done()
            assert held_up.result(timeout=PATIENCE_S).status == 503
    children = [child.pid for child in psutil.Process(server.pid).children()]
    with frozen([server.pid, *children]):
        paths = [search(f"M444-000000{number}") for number in range(2, 8)]
        assert refused_within(3 + 4, visitor, [STATISTICS, "/health", *paths])
    assert found(visitor.get(search("M444-0000002"))) == ["M444-0000002"]
    assert visitor.get(STATISTICS).status == 200


def test_gevent_with_preload_is_refused_in_a_line(settings):
    environ = settings.to_env() | {"TRACETRACK_SERVER": "gevent", "TRACETRACK_PRELOAD": "true"}
    command = [sys.executable, "-m", "gunicorn", "-c", str(CONFIGURATION)]
    finished = subprocess.run(
        command,
        env={**os.environ, **environ, "TRACETRACK_BIND": "127.0.0.1:0"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert finished.returncode == 1
    (line,) = finished.stderr.splitlines()
    assert line.startswith("not started: preload is on and server is gevent")
