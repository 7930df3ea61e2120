"""The servers under traffic: who is answered while somebody waits, and what a start does beforehand."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from reference_app.settings import Settings, SettingsError

SERVERS = {
    "sync": {"server": "sync", "workers": 2},
    "gthread": {"server": "gthread", "workers": 2, "threads": 16},
    "gevent": {"server": "gevent", "workers": 2, "deadlines": True},
}


def told(answer):
    """What the workers count, over all of them: by name, and for caches by endpoint and outcome."""
    counts = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = {
                name: value
                for name, value in sample.labels.items()
                if name not in ("worker", "db_client_connection_pool_name")
            }
            key = (sample.name, *labels.values())
            counts[key] = counts.get(key, 0) + sample.value
    return counts


@pytest.fixture
def quick(settings, store) -> Settings:
    """Sessions in the store, for several workers; hashes that do not take the test's time."""
    return replace(settings, sessions="shared", redis_url=store.url, hash_limit=1)


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize(("cache", "misses"), [("process", (1, 2)), ("shared", (1, 1))])
def test_fifty_who_miss_at_once_make_one_query_a_cache(serve, visit, quick, kind, cache, misses):
    served = serve(replace(quick, cache=cache, **SERVERS[kind]))
    person = visit(served).login()
    with ThreadPoolExecutor(50) as people:
        answers = list(people.map(lambda _: person.get("/api/dashboard/stats"), range(50)))
    assert {answer.status for answer in answers} == {200}
    counts = told(person.get("/metrics"))
    fewest, most = misses
    assert fewest <= counts["tracetrack_cache_requests_total", "dashboard", "miss"] <= most
    assert sum(counts["tracetrack_cache_requests_total", "dashboard", outcome] for outcome in ("hit", "miss")) == 50


@contextmanager
def locked(server, database, table):
    """Nobody else reads the table in the block."""
    with closing(server.connect(database)) as holder:
        holder.autocommit = False
        with holder.cursor() as cursor:
            cursor.execute(f"LOCK TABLE tracetrack.{table} IN ACCESS EXCLUSIVE MODE")
            yield
        holder.rollback()


@pytest.mark.parametrize(("deadlines", "is_answered"), [(True, True), (False, False)])
def test_a_greenlet_that_waits_for_the_database_lets_others_run(
    serve, visit, quick, server, database, deadlines, is_answered
):
    """With libpq's own waiting the worker stands still: the cautionary tale."""
    served = serve(replace(quick, server="gevent", deadlines=deadlines))
    person, others = visit(served).login(), threading.Event()
    with ThreadPoolExecutor(2) as people:
        with locked(server, database, "bag"):
            waiting = people.submit(person.get, "/api/bags/search?q=M444-0000001")
            time.sleep(0.5)
            people.submit(lambda: (visit(served).get("/health"), others.set()))
            assert others.wait(2) is is_answered
            assert not waiting.done()
        assert waiting.result().status == 200
    assert others.is_set()


def test_a_statement_ends_under_gevent_when_the_server_does_not_end_it(serve, visit, quick, server, database):
    """The lock keeps the statement waiting; it is ended by PostgreSQL's limit, and others are answered meanwhile."""
    served = serve(replace(quick, server="gevent", deadlines=True, statement_timeout_ms=500))
    person = visit(served).login()
    with locked(server, database, "bag"):
        began_s = time.monotonic()
        assert person.get("/api/bags/search?q=M444-0000001").status == 503
        assert time.monotonic() - began_s < 5
    assert person.get("/api/bags/search?q=M444-0000001").status == 200


def test_preload_and_gevent_do_not_go_together():
    with pytest.raises(SettingsError, match=r"preload is on and server is gevent; .* set preload to false"):
        Settings(database_url="", secret_key="", server="gevent", preload=True)


def test_a_warmed_up_worker_has_its_connections_and_no_answers(serve, visit, quick):
    served = serve(replace(quick, server="gthread", threads=4, cache="process", pool_size=3, warm_up=True))
    counts = told(visit(served).get("/metrics"))
    assert counts["db_client_connection_count", "idle"] == 3
    assert counts["db_client_connection_create_time_seconds_count",] == 3
    assert counts["tracetrack_cache_requests_total", "dashboard", "miss"] == 0


def test_a_worker_that_is_not_warmed_up_connects_when_it_has_to(serve, visit, quick):
    served = serve(replace(quick, server="gthread", threads=4, pool_size=3))
    assert told(visit(served).get("/metrics"))["db_client_connection_create_time_seconds_count",] == 1


def test_untimed_answers_are_the_same_without_their_times(make_app, settings):
    client = make_app(replace(settings, server_timing=False, cache="process")).test_client()
    form = {"username": "user001", "password": "count every bag"}
    login = client.post("/login", data=form)
    answers = [login, *(client.get(path) for path in ("/api/dashboard/stats", "/api/bags/search?q=M444", "/health"))]
    assert [answer.status_code for answer in answers] == [302, 200, 200, 200]
    assert not any("Server-Timing" in answer.headers for answer in answers)
    assert all("X-Request-ID" in answer.headers for answer in answers)
