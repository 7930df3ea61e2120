"""Each kind of server: correct responses to many requests at once, and no request blocks others needlessly."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import closing
from dataclasses import replace
from functools import partial

import psutil
import pytest

from tests.processes import frozen, wait_until
from tests.reference_app.sign_in import STATISTICS, encoded_form
from tests.reference_app.table_lock import table_lock

PATIENCE_S = 10
# With deadlines greenlets wait cooperatively for the database.
COOPERATIVE = {"server": "gevent", "deadlines": True}
ASYNCHRONOUS = {"server": "uvicorn", "driver": "psycopg3"}


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
    """Locks a table during a block, so that its readers wait."""
    return partial(table_lock, server, database)


@pytest.fixture
def waiting(server, database):
    """Waits until so many backends of the application wait for a lock; their process ids."""

    def wait_for_backends(number):
        with closing(server.connect(database)) as connection, connection.cursor() as cursor:

            def pids():
                cursor.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name = 'tracetrack' "
                    "AND wait_event_type = 'Lock'",
                    (database,),
                )
                return [pid for (pid,) in cursor.fetchall()]

            wait_until(lambda: len(pids()) >= number)
            return pids()

    return wait_for_backends


def search(term):
    return f"/api/bags/search?q={term}"


def qr_ids(answer):
    assert answer.status == 200, answer.text
    return [bag["qr_id"] for bag in answer.json["bags"]]


def misses(visitor, endpoint):
    """Cache misses by worker, for the workers that used the cache at all."""
    pattern = rf'cache_requests_total\{{endpoint="{endpoint}",outcome="(\w+)",worker="(\S+)"\}} (\S+)'
    counted = {}
    for outcome, worker, number in re.findall(pattern, visitor.get("/metrics").text):
        counted.setdefault(worker, {})[outcome] = int(float(number))
    return {worker: outcomes["miss"] for worker, outcomes in counted.items() if sum(outcomes.values())}


@pytest.mark.parametrize(
    ("server_kind", "cache"),
    [(kind, cache) for kind in ("gthread", "gevent", "uvicorn") for cache in ("process", "shared")],
)
def test_fifty_requests_at_once_compute_one_answer(serve, visit, settings, locked, waiting, server_kind, cache):
    kind = SERVERS[server_kind] | ({"threads": 64} if server_kind == "gthread" else {})
    served = serve(replace(settings, **kind, workers=2, cache=cache))
    visitor = visit(served).login()
    with ThreadPoolExecutor(100) as pool:
        with locked("bag"):
            sent = [pool.submit(visitor.get, path) for path in [STATISTICS, search("M444-0000007")] * 50]
            waiting(2)
            time.sleep(0.5)
        answers = [future.result() for future in sent]
    assert {answer.status for answer in answers} == {200}
    assert all(qr_ids(answer) == ["M444-0000007"] for answer in answers[1::2])
    assert len({answer.json["timestamp"] for answer in answers[::2]}) == sum(misses(visitor, "dashboard").values())
    for endpoint in ("dashboard", "search"):
        by_worker = misses(visitor, endpoint)
        assert len(by_worker) == 2
        if cache == "process":
            assert set(by_worker.values()) == {1}
        else:
            assert sum(by_worker.values()) == 1


SERVERS = {
    "sync": {"server": "sync"},
    "gthread": {"server": "gthread", "threads": 4},
    "gevent": COOPERATIVE,
    "uvicorn": ASYNCHRONOUS,
}


@pytest.mark.parametrize("kind", SERVERS)
def test_concurrent_users_each_get_their_own_answers(serve, visit, settings, kind):
    served = serve(replace(settings, workers=2, **SERVERS[kind]))

    def use(number):
        visitor = visit(served).login(f"user{number:03d}")
        workers = set()
        for turn in range(6):
            answer = visitor.get(STATISTICS)
            assert answer.json["user_context"]["username"] == f"user{number:03d}"
            assert answer.json["stats"]["total_bags"] > 0
            qr_id = f"M444-{number * 10 + turn % 3:07d}"
            assert qr_ids(visitor.get(search(qr_id))) == [qr_id]
            workers.add(re.search(r'worker;desc="(\d+)"', answer.headers["Server-Timing"])[1])
        assert visitor.post("/logout", b"").status == 302
        assert visitor.get(STATISTICS).status == 401
        return workers

    with ThreadPoolExecutor(6) as pool:
        workers = set().union(*pool.map(use, range(1, 7)))
    assert len(workers) == 2
    assert [path for path in unix_sockets(served) if path] == []


def unix_sockets(served):
    master = psutil.Process(served.child.pid)
    processes = [master, *master.children(recursive=True)]
    return [connection.laddr for process in processes for connection in process.net_connections("unix")]


@pytest.mark.parametrize("kind", [{"server": "gthread", "threads": 8}, COOPERATIVE, ASYNCHRONOUS])
def test_a_request_that_waits_for_the_database_holds_up_no_other(serve, visit, settings, locked, waiting, kind):
    served = serve(replace(settings, **kind))
    visitor = visit(served).login()
    with ThreadPoolExecutor(5) as pool:
        with locked("bill"):
            held_up = pool.submit(visitor.get, STATISTICS)
            waiting(1)
            for number in range(1, 4):
                assert qr_ids(visitor.get(search(f"M444-000000{number}"))) == [f"M444-000000{number}"]
            assert not held_up.done()
        assert held_up.result().status == 200


@pytest.mark.parametrize("deadlines", [True, False])
def test_only_with_deadlines_greenlets_run_while_one_waits_for_the_database(
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


@pytest.mark.parametrize("kind", [{}, ASYNCHRONOUS])
def test_a_cookie_is_secure_if_a_proxy_on_this_host_reports_tls(serve, visit, settings, kind):
    served = serve(replace(settings, **kind))
    for headers, is_secure in (({"X-Forwarded-Proto": "https"}, True), ({}, False)):
        answer = visit(served).post("/login", encoded_form(), **headers)
        assert answer.status == 302
        assert ("Secure" in answer.headers["Set-Cookie"].split("; ")) == is_secure


def require_refusal_within(seconds, visitor, paths):
    """Fail unless requests for all paths at once get a 503 in time."""
    with ThreadPoolExecutor(len(paths)) as pool:
        started_s = time.monotonic()
        answers = list(pool.map(visitor.get, paths))
    assert time.monotonic() - started_s < seconds
    assert {answer.status for answer in answers} == {503}


def test_greenlets_keep_their_deadlines_while_the_database_is_frozen(serve, visit, settings, server, locked, waiting):
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
        require_refusal_within(3 + 4, visitor, [STATISTICS, "/health", *paths])
    assert qr_ids(visitor.get(search("M444-0000002"))) == ["M444-0000002"]
    assert visitor.get(STATISTICS).status == 200
