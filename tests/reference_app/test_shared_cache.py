"""What the shared store holds for the caches, for whom, and what becomes of it there."""

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

from instrumentation.worker_metrics import Readings
from loadgen.accounts import PASSWORD
from reference_app import caches
from reference_app.caches import Lifetime, SharedAnswers
from reference_app.store import Store

STATISTICS, SEARCH = "/api/dashboard/stats", "/api/bags/search?q={}&limit={}"


@pytest.fixture
def settings(settings, store):
    return replace(settings, cache="shared", redis_url=store.url, sessions="cookie")


@pytest.fixture
def kept(store):
    """The keys of answers in the store, and the client to change them."""
    with redis.Redis.from_url(store.url) as client:
        yield lambda kind="whole": sorted(client.scan_iter(f"*:{kind}:*")), client


@pytest.fixture
def visitor(make_app, settings):
    """A logged-in client of an application of its own."""

    def arrive(username="user001", **changed):
        client = make_app(replace(settings, **changed)).test_client()
        assert client.post("/login", data={"username": username, "password": PASSWORD}).status_code == 302
        return client

    return arrive


def outcome(answer):
    assert answer.status_code == 200
    return answer.headers["Server-Timing"].partition("cache;dur=")[2].partition('desc="')[2].partition('"')[0]


def test_each_answer_is_a_json_document_of_its_own(visitor, kept):
    keys, client = kept
    person = visitor()
    questions = [STATISTICS, SEARCH.format("M444", 5), SEARCH.format("M444", 6), SEARCH.format("bag", 5)]
    assert [outcome(person.get(question)) for question in questions] == ["miss"] * 4
    assert [outcome(person.get(question)) for question in questions] == ["hit"] * 4
    assert len(keys()) == 4
    for key in keys():
        document = json.loads(client.get(key))
        assert set(document) == {"at_s", "answer"}
        assert "user_context" not in document["answer"]
        assert 0 < client.ttl(key) <= 60


def test_a_limit_above_the_highest_is_the_highest(visitor, kept):
    person = visitor()
    assert outcome(person.get(SEARCH.format("M444", 100))) == "miss"
    assert outcome(person.get(SEARCH.format("M444", 5000))) == "hit"


def test_the_answer_is_for_whoever_asks(visitor):
    visitor().get(STATISTICS)
    answer = visitor("user007").get(STATISTICS)
    assert outcome(answer) == "hit"
    assert answer.json["user_context"]["username"] == "user007"


@pytest.fixture
def second_database(server, database):
    """Its URL; nothing was scanned there."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE second TEMPLATE {database}")
        with closing(server.connect("second")) as inside, inside.cursor() as change:
            change.execute("TRUNCATE tracetrack.scan")
        yield server.url_of("second")
        cursor.execute("DROP DATABASE second WITH (FORCE)")


def test_two_databases_with_one_store_share_no_answer(visitor, second_database):
    first, other = visitor().get(STATISTICS), visitor(database_url=second_database).get(STATISTICS)
    assert [outcome(first), outcome(other)] == ["miss", "miss"]
    assert other.json["stats"]["total_scans"] == 0 < first.json["stats"]["total_scans"]


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("postgresql://u:p@h/db", "postgresql://v:q@h/db", True),
        ("postgresql://u:p@h/db", "postgresql://u:p@h/other", False),
        ("postgresql://u:p@h/db", "postgresql://u:p@h:5433/db", False),
        ("postgresql:///db?host=/one", "postgresql:///db?host=/two", False),
        ("postgresql://u:p@h/db?hostaddr=10.0.0.1", "postgresql://u:p@h/db?hostaddr=10.0.0.2", False),
    ],
)
def test_a_database_is_known_by_its_place(settings, one, other, shared):
    names = {caches._database(replace(settings, database_url=url)) for url in (one, other)}
    assert (len(names) == 1) == shared
    assert not any("p@" in name for name in names)


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
def test_garbage_counts_as_nothing(visitor, kept, garbage):
    keys, client = kept
    person = visitor()
    right = person.get(STATISTICS).json["stats"]
    (key,) = keys()
    client.set(key, garbage)
    answer = person.get(STATISTICS)
    assert (outcome(answer), answer.json["stats"]) == ("miss", right)
    assert outcome(person.get(STATISTICS)) == "hit"


def test_a_key_of_another_kind_counts_as_nothing(visitor, kept):
    keys, client = kept
    person = visitor()
    person.get(STATISTICS)
    (key,) = keys()
    client.delete(key)
    client.rpush(key, "an element")
    assert [outcome(person.get(STATISTICS)) for _ in range(2)] == ["miss", "hit"]


def test_a_degraded_answer_is_kept_for_a_second(visitor, kept, server, database):
    keys, client = kept
    person = visitor()
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tracetrack.bill RENAME TO bill_away")
        try:
            answer = person.get(STATISTICS)
            assert answer.json["unavailable"] == ["total_bills"]
            assert (keys(), len(keys("degraded"))) == ([], 1)
            assert 0 < client.pttl(keys("degraded")[0]) <= 1000
            assert outcome(person.get(STATISTICS)) == "hit"
        finally:
            cursor.execute("ALTER TABLE tracetrack.bill_away RENAME TO bill")
    time.sleep(1.05)
    assert "unavailable" not in person.get(STATISTICS).json


@pytest.mark.parametrize("arm", ["process", "shared"])
def test_a_scan_is_counted_within_the_lifetime(visitor, arm):
    person = visitor(cache=arm, cache_statistics_ttl_s=1)
    before = person.get(STATISTICS).json["stats"]["total_scans"]
    sent = person.post("/api/scans", json={"qr_id": "M444-0000009"}, headers={"Idempotency-Key": f"fresh-{arm}"})
    assert sent.status_code == 201
    time.sleep(1.05)
    answer = person.get(STATISTICS)
    assert (outcome(answer), answer.json["stats"]["total_scans"]) == ("miss", before + 1)


@pytest.fixture
def shared(store):
    client = Store(store.url, store.prefix, 5.0, Readings.private().slot(0))
    yield SharedAnswers(Lifetime(60), client, "tests:")
    client.client.close()


def test_a_lock_that_nobody_gives_back_holds_up_for_its_time_only(shared, kept, monkeypatch):
    monkeypatch.setattr(caches, "LONGEST_CREATION_S", 0.5)
    kept[1].set("tests:whole:key:lock", "of somebody who died", px=60_000)
    started_s = time.monotonic()
    with ThreadPoolExecutor(10) as pool:
        asked = [pool.submit(shared.get, "key", lambda: {"fine": True}) for _ in range(10)]
        outcomes = sorted(future.result()[1] for future in asked)
    assert 0.4 < time.monotonic() - started_s < 5
    assert outcomes == ["hit"] * 9 + ["miss"]


MAKER = """
import sys, time
from reference_app import caches
from reference_app.readings import Readings
from reference_app.store import Store

def create():
    print("making", flush=True)
    time.sleep(60)

caches.LONGEST_CREATION_S = 1.0
store = Store(sys.argv[1], "", 5.0, Readings.private().slot(0))
caches.SharedAnswers(caches.Lifetime(60), store, "tests:").get("key", create)
"""


def test_a_maker_that_is_killed_is_followed_by_another(shared, store, kept):
    with subprocess.Popen([sys.executable, "-c", MAKER, store.url], stdout=subprocess.PIPE, text=True) as maker:
        try:
            assert maker.stdout.readline() == "making\n"
            assert kept[1].exists("tests:whole:key:lock")
        finally:
            os.kill(maker.pid, signal.SIGKILL)
    started_s = time.monotonic()
    assert shared.get("key", lambda: {"fine": True}) == ({"fine": True}, "miss")
    assert time.monotonic() - started_s < 5
    assert len(kept[0]()) == 1


def test_who_takes_longer_than_the_lock_lasts_gives_back_nobody_elses(shared, kept, monkeypatch):
    monkeypatch.setattr(caches, "LONGEST_CREATION_S", 0.2)
    _, client = kept

    def slow():
        time.sleep(0.3)
        assert client.set("tests:whole:key:lock", "of another", px=60_000, nx=True)
        return {"fine": True}

    assert shared.get("key", slow) == ({"fine": True}, "miss")
    assert client.get("tests:whole:key:lock") == b"of another"
