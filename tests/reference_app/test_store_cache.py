"""The caches' answers in the shared store: their keys, their lifetime, foreign content, and locks."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest
import redis

from instrumentation.worker_metrics import WorkerMetrics
from reference_app import cached_answer
from reference_app.caches import Lifetime, SharedCache, database_id
from reference_app.counters import COUNTERS
from reference_app.store import Store
from tests.reference_app.sign_in import STATISTICS, cache_outcome, logged_in

SEARCH = "/api/bags/search?q={}&limit={}"


@pytest.fixture
def settings(settings, store):
    return replace(settings, cache="shared", redis_url=store.url, sessions="cookie")


@pytest.fixture
def stored_answers(store):
    """A function that lists the keys of answers in the store, and a client to change them."""
    with redis.Redis.from_url(store.url) as client:
        yield lambda kind="complete": sorted(client.scan_iter(f"*:{kind}:*")), client


@pytest.fixture
def create_user(make_app, settings):
    """Creates an application, and a client of it that is logged in."""

    def create(username="user001", **changed):
        return logged_in(make_app(replace(settings, **changed)), username)

    return create


def outcome(answer):
    assert answer.status_code == 200
    return cache_outcome(answer)


def test_each_answer_is_a_json_document_of_its_own(create_user, stored_answers):
    keys, client = stored_answers
    user = create_user()
    paths = [STATISTICS, SEARCH.format("M444", 5), SEARCH.format("M444", 6), SEARCH.format("bag", 5)]
    assert [outcome(user.get(path)) for path in paths] == ["miss"] * 4
    assert [outcome(user.get(path)) for path in paths] == ["hit"] * 4
    assert len(keys()) == 4
    for key in keys():
        document = json.loads(client.get(key))
        assert set(document) == {"at_s", "answer"}
        assert "user_context" not in document["answer"]
        assert 0 < client.ttl(key) <= 60


def test_a_limit_above_the_maximum_counts_as_the_maximum(create_user, stored_answers):
    user = create_user()
    assert outcome(user.get(SEARCH.format("M444", 100))) == "miss"
    assert outcome(user.get(SEARCH.format("M444", 5000))) == "hit"


def test_a_cached_answer_has_the_context_of_the_user_who_gets_it(create_user):
    create_user().get(STATISTICS)
    answer = create_user("user007").get(STATISTICS)
    assert outcome(answer) == "hit"
    assert answer.json["user_context"]["username"] == "user007"


@pytest.fixture
def second_database(server, database):
    """The URL of a database without scans."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE second TEMPLATE {database}")
        with closing(server.connect("second")) as inside, inside.cursor() as inner:
            inner.execute("TRUNCATE tracetrack.scan")
        yield server.url_of("second")
        cursor.execute("DROP DATABASE second WITH (FORCE)")


def test_two_databases_with_one_store_share_no_answer(create_user, second_database):
    first, other = create_user().get(STATISTICS), create_user(database_url=second_database).get(STATISTICS)
    assert [outcome(first), outcome(other)] == ["miss", "miss"]
    assert other.json["stats"]["total_scans"] == 0 < first.json["stats"]["total_scans"]


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("postgresql://u:p@h/db", "postgresql://v:q@h/db", True),
        ("postgresql://u:p@h/db", "postgresql://u:p@h/other", False),
        ("postgresql://u:p@h/db", "postgresql://u:p@h:5433/db", False),
        ("postgresql:///db?host=/one", "postgresql:///db?host=/two", False),
        ("postgresql://u:p@h/db?hostaddr=10.0.0.1", "postgresql://u:p@h/db?hostaddr=10.0.0.2", False),
    ],
)
def test_the_id_of_a_database_depends_on_its_address(settings, first, second, shared):
    ids = {database_id(replace(settings, database_url=url)) for url in (first, second)}
    assert (len(ids) == 1) == shared
    assert not any("p@" in database for database in ids)


GARBAGE = [
    b"",
    b"\x80\x04]\x94.",  # an empty list, pickled
    b"not JSON",
    b'"text"|{"at_s": 1.0, "answer": {}}',
    b"[" * 100_000,
    b"null",
    b'{"at_s": NaN, "answer": {"total_bags": 0}}',
    b'{"at_s": 1.0, "answer": {"total_bags": 0}}',
    b'{"at_s": 9e15, "answer": {"total_bags": 0}}',
    b'{"at_s": "now", "answer": {}}',
    b'{"answer": {}}',
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_in_the_store_is_a_miss(create_user, stored_answers, garbage):
    keys, client = stored_answers
    user = create_user()
    expected = user.get(STATISTICS).json["stats"]
    (key,) = keys()
    client.set(key, garbage)
    answer = user.get(STATISTICS)
    assert (outcome(answer), answer.json["stats"]) == ("miss", expected)
    assert outcome(user.get(STATISTICS)) == "hit"


def test_a_key_of_another_type_is_a_miss(create_user, stored_answers):
    keys, client = stored_answers
    user = create_user()
    user.get(STATISTICS)
    (key,) = keys()
    client.delete(key)
    client.rpush(key, "an element")
    assert [outcome(user.get(STATISTICS)) for _ in range(2)] == ["miss", "hit"]


def test_a_degraded_answer_is_kept_for_a_second(create_user, stored_answers, server, database):
    keys, client = stored_answers
    user = create_user()
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tracetrack.bill RENAME TO bill_hidden")
        try:
            answer = user.get(STATISTICS)
            assert answer.json["unavailable"] == ["total_bills"]
            assert (keys(), len(keys("degraded"))) == ([], 1)
            assert 0 < client.pttl(keys("degraded")[0]) <= 1000
            assert outcome(user.get(STATISTICS)) == "hit"
        finally:
            cursor.execute("ALTER TABLE tracetrack.bill_hidden RENAME TO bill")
    time.sleep(1.05)
    assert "unavailable" not in user.get(STATISTICS).json


@pytest.mark.parametrize("arm", ["process", "shared"])
def test_a_scan_is_counted_within_the_lifetime(create_user, arm):
    user = create_user(cache=arm, cache_statistics_ttl_s=1)
    before = user.get(STATISTICS).json["stats"]["total_scans"]
    sent = user.post("/api/scans", json={"qr_id": "M444-0000009"}, headers={"Idempotency-Key": f"fresh-{arm}"})
    assert sent.status_code == 201
    time.sleep(1.05)
    answer = user.get(STATISTICS)
    assert (outcome(answer), answer.json["stats"]["total_scans"]) == ("miss", before + 1)


@pytest.fixture
def shared(store):
    connected = Store(store.url, store.prefix, 5.0, WorkerMetrics.private(COUNTERS).slot(0))
    yield SharedCache(Lifetime(60), connected, "tests:")
    connected.client.close()


def test_a_lock_that_is_never_released_blocks_until_it_expires(shared, stored_answers, monkeypatch):
    monkeypatch.setattr(cached_answer, "MAX_COMPUTE_S", 0.5)
    stored_answers[1].set("tests:complete:key:lock", "of a caller that died", px=60_000)
    started_s = time.monotonic()
    with ThreadPoolExecutor(10) as pool:
        calls = [pool.submit(shared.get, "key", lambda: {"fine": True}) for _ in range(10)]
        outcomes = sorted(future.result()[1] for future in calls)
    assert 0.4 < time.monotonic() - started_s < 5
    assert outcomes == ["hit"] * 9 + ["miss"]


COMPUTING_PROCESS = """
import sys, time
from instrumentation.worker_metrics import WorkerMetrics
from reference_app import cached_answer, caches
from reference_app.counters import COUNTERS
from reference_app.store import Store

def compute():
    print("computing", flush=True)
    time.sleep(60)

cached_answer.MAX_COMPUTE_S = 1.0
store = Store(sys.argv[1], "", 5.0, WorkerMetrics.private(COUNTERS).slot(0))
caches.SharedCache(caches.Lifetime(60), store, "tests:").get("key", compute)
"""


def test_after_a_computing_process_is_killed_another_computes(shared, store, stored_answers):
    with subprocess.Popen(
        [sys.executable, "-c", COMPUTING_PROCESS, store.url], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "computing\n"
            assert stored_answers[1].exists("tests:complete:key:lock")
        finally:
            os.kill(process.pid, signal.SIGKILL)
    started_s = time.monotonic()
    assert shared.get("key", lambda: {"fine": True}) == ({"fine": True}, "miss")
    assert time.monotonic() - started_s < 5
    assert len(stored_answers[0]()) == 1


def test_a_caller_whose_lock_expired_does_not_release_the_next_one(shared, stored_answers, monkeypatch):
    monkeypatch.setattr(cached_answer, "MAX_COMPUTE_S", 0.2)
    _, client = stored_answers

    def slow():
        time.sleep(0.3)
        assert client.set("tests:complete:key:lock", "of another", px=60_000, nx=True)
        return {"fine": True}

    assert shared.get("key", slow) == ({"fine": True}, "miss")
    assert client.get("tests:complete:key:lock") == b"of another"
