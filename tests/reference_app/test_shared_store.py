"""The shared store is away, slow, full or new: the application goes on."""

import json
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import redis

from instrumentation.worker_metrics import Readings
from loadgen.accounts import PASSWORD
from loadgen.services import free_port
from reference_app.caches import LONGEST_CREATION_S, Lifetime, SharedAnswers
from reference_app.settings import SettingsError
from reference_app.store import Store

STATISTICS = "/api/dashboard/stats"
PATIENCE_S = 10
STORE_TIMEOUT_S = 0.25
MACHINE_S = 3  # that others use too
LONGEST_REQUEST_S = LONGEST_CREATION_S + 4 * STORE_TIMEOUT_S + MACHINE_S


@pytest.fixture
def settings(settings, own_store):
    return replace(settings, cache="shared", redis_url=own_store.url, sessions="cookie", store_timeout_ms=250)


@pytest.fixture
def person(make_app, settings):
    """A logged-in client; settings can be changed."""

    def arrive(**changed):
        client = make_app(replace(settings, **changed)).test_client()
        assert client.post("/login", data={"username": "user001", "password": PASSWORD}).status_code == 302
        return client

    return arrive


def search(client, number):
    """Asks for one bag, and looks whether the answer is about it."""
    answer = client.get(f"/api/bags/search?q=M444-{number:07d}")
    assert answer.status_code == 200, answer.text
    assert [bag["qr_id"] for bag in answer.json["bags"]] == [f"M444-{number:07d}"]


def failures(client):
    return sum(float(value) for value in re.findall(r"store_failures_total\{.*\} (\S+)", client.get("/metrics").text))


def told(caplog):
    return [record.message for record in caplog.records if record.message.startswith("shared store")]


def wait_until(condition):
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def test_a_killed_store_is_told_once_and_the_answers_are_right(person, own_store, caplog):
    client = person()
    search(client, 1)
    assert client.get("/health").json["store"] == "ok"
    own_store.kill()
    for number in range(1, 20):
        search(client, number)
    assert client.get(STATISTICS).status_code == 200
    assert client.get("/health").json["store"] == "away"
    assert told(caplog) == ["shared store away"]
    assert 1 <= failures(client) <= 5
    with own_store.started_again():
        wait_until(lambda: client.get("/health").json["store"] == "ok")
        for number in range(1, 5):
            search(client, number)
    assert told(caplog) == ["shared store away", "shared store back"]


def test_while_the_store_is_away_a_worker_keeps_its_own_answers(person, own_store):
    client = person()
    own_store.kill()
    outcomes = [client.get(STATISTICS).headers["Server-Timing"].split("cache;dur=")[1].split('"')[1] for _ in range(3)]
    assert outcomes == ["miss", "hit", "hit"]


def test_a_frozen_store_costs_one_wait_a_second_and_not_one_a_request(person, own_store, caplog):
    client = person()
    search(client, 1)
    slow = requests = 0
    with own_store.frozen():
        started_s = time.monotonic()
        while time.monotonic() - started_s < 2.5:
            before_s = time.monotonic()
            search(client, 1 + requests % 50)
            requests += 1
            slow += time.monotonic() - before_s >= 0.25
    assert 1 <= slow <= 6 < requests
    assert told(caplog) == ["shared store away"]
    wait_until(lambda: client.get("/health").json["store"] == "ok")
    # No reply from before is taken for one of now.
    for number in range(60, 80):
        search(client, number)
    assert told(caplog) == ["shared store away", "shared store back"]


@pytest.fixture
def asked_store(own_store):
    store = Store(own_store.url, "tests:", STORE_TIMEOUT_S, Readings.private().slot(0))
    yield store
    store.client.close()


@pytest.fixture
def answers(asked_store):
    return SharedAnswers(Lifetime(60), asked_store, "tests:")


def test_fifty_who_wait_for_one_do_not_wait_for_a_frozen_store_in_turn(answers, own_store):
    making, frozen = threading.Event(), threading.Event()
    made = []

    def create():
        making.set()
        made.append(1)
        assert frozen.wait(timeout=PATIENCE_S)
        return {"fine": True}

    with ThreadPoolExecutor(50) as pool:
        asked = [pool.submit(answers.get, "key", create) for _ in range(50)]
        assert making.wait(timeout=PATIENCE_S)
        time.sleep(0.2)
        started_s = time.monotonic()
        with own_store.frozen():
            frozen.set()
            assert all(future.result()[0] == {"fine": True} for future in asked)
            assert time.monotonic() - started_s < 5
    assert len(made) <= 2


def test_only_one_caller_tries_a_store_that_is_away(own_store):
    store = Store(own_store.url, "tests:", 0.25, Readings.private().slot(0))
    with own_store.frozen():
        assert not store.is_there()
        time.sleep(1.05)
        with ThreadPoolExecutor(20) as pool:
            started_s = time.monotonic()

            def wait(_):
                assert not store.is_there()
                return time.monotonic() - started_s

            assert sum(waited_s >= 0.2 for waited_s in pool.map(wait, range(20))) == 1
    store.client.close()


def test_dead_connections_of_a_store_that_was_restarted_are_not_seen(person, own_store, caplog):
    client = person()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.get("/health"), range(8)))
    search(client, 1)
    own_store.kill()
    with own_store.started_again():
        for number in range(1, 20):
            search(client, number)
        assert failures(client) == 0
        assert told(caplog) == []


def test_a_full_store_takes_nothing_and_the_answers_are_right(person, own_store, caplog):
    client = person()
    search(client, 1)
    with redis.Redis.from_url(own_store.url) as full:
        full.config_set("maxmemory", "1")
        for number in (1, 2, 3, 2, 3):
            search(client, number)
        assert client.get(STATISTICS).status_code == 200
        assert client.get("/health").json["store"] == "ok"
        assert told(caplog) == ["shared store refuses"]
        assert failures(client) >= 3
        full.config_set("maxmemory", "256mb")
        search(client, 4)
        assert [key for key in full.scan_iter("*whole*") if key.endswith(b"M444-0000004")]


def test_sessions_in_a_frozen_store_are_unavailable_and_come_back(person, own_store):
    client = person(sessions="shared")
    assert client.get(STATISTICS).status_code == 200
    with own_store.frozen():
        for path in (STATISTICS, "/", "/api/bags/search?q=M444"):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            assert answer.json == {"success": False, "error": "the session store is not available"}
        login = client.post("/login", data={"username": "user001", "password": PASSWORD})
        assert login.status_code == 503
    wait_until(lambda: client.get("/health").json["store"] == "ok")
    assert client.get(STATISTICS).status_code == 200


def test_the_application_starts_without_its_store(make_app, settings):
    url = f"redis://:password@127.0.0.1:{free_port()}/0"
    client = make_app(replace(settings, redis_url=url, login_throttle=True, sessions="shared")).test_client()
    assert client.get("/health").json["store"] == "away"
    assert client.get("/login").status_code == 200


def test_without_a_store_none_is_told(make_app, settings):
    client = make_app(replace(settings, redis_url="", cache="process")).test_client()
    assert client.get("/health").json["store"] is None


@pytest.mark.parametrize("url", ["redis://:hid/den@h:6379/0", "redis://:hidden@h:den/0", "http://:hidden@h", "hidden"])
def test_a_url_that_is_none_is_refused_without_its_password(make_app, settings, url):
    with pytest.raises(SettingsError, match="TRACETRACK_REDIS_URL cannot be used; it looks like") as refused:
        make_app(replace(settings, redis_url=url))
    assert not re.search(r"hid|den|@h\b|\n", str(refused.value))


def test_as_many_callers_as_there_are_may_ask_at_once(own_store):
    store = Store(own_store.url, "tests:", 5.0, Readings.private().slot(0))
    together = threading.Barrier(150)

    def ask(_):
        with store.asked() as client:
            together.wait(timeout=PATIENCE_S)
            return client.blpop("nothing", timeout=0.5)

    with ThreadPoolExecutor(150) as pool:
        assert list(pool.map(ask, range(150))) == [None] * 150
    store.client.close()


def test_under_traffic_nobody_sees_the_store_go_and_come(serve, visit, settings, own_store, tmp_path):
    served = serve(replace(settings, server="gthread", threads=16, cache_search_ttl_s=1))
    visitors = [visit(served).login() for _ in range(8)]
    end = threading.Event()

    def traffic(number):
        visitor, requests = visitors[number - 1], 0
        while not end.is_set():
            wanted = f"M444-{number * 100 + requests % 20:07d}"
            started_s = time.monotonic()
            answer = visitor.get(f"/api/bags/search?q={wanted}")
            assert answer.status == 200, answer.text
            assert [bag["qr_id"] for bag in answer.json["bags"]] == [wanted]
            assert time.monotonic() - started_s < LONGEST_REQUEST_S
            requests += 1
        return requests

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(traffic, number) for number in range(1, 9)]
        try:
            time.sleep(1)
            own_store.kill()
            time.sleep(1.5)
            with own_store.started_again() as again:
                wait_until(lambda: visit(served).get("/health").json["store"] == "ok")
                again.process.send_signal(signal.SIGSTOP)
                time.sleep(1.5)
                assert visit(served).get("/health").json["store"] == "away"
                again.process.send_signal(signal.SIGCONT)
                wait_until(lambda: visit(served).get("/health").json["store"] == "ok")
                end.set()
                assert all(future.result() > 10 for future in running)
        finally:
            end.set()
    lines = [json.loads(line) for line in (tmp_path / "gunicorn.log").read_text().splitlines() if line[0] == "{"]
    events = [line["event"] for line in lines if line["event"].startswith("shared store")]
    assert events == ["shared store away", "shared store back"] * 2
    assert 2 <= failures(visit(served)) <= 40
