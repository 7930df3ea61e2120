"""The application without its shared store: killed, frozen, full or restarted."""

import json
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import redis

from instrumentation.worker_metrics import WorkerMetrics
from loadgen.services import free_port
from reference_app.cached_answer import MAX_COMPUTE_S
from reference_app.caches import Lifetime, SharedCache
from reference_app.counters import COUNTERS
from reference_app.settings import SettingsError
from reference_app.store import Store
from tests.processes import wait_until
from tests.reference_app.sign_in import STATISTICS, cache_outcome, logged_in, require_unavailable, try_login

PATIENCE_S = 10
STORE_TIMEOUT_S = 0.25
MACHINE_S = 3  # for other processes of the machine
MAX_REQUEST_S = MAX_COMPUTE_S + 4 * STORE_TIMEOUT_S + MACHINE_S


@pytest.fixture
def settings(settings, own_store):
    return replace(settings, cache="shared", redis_url=own_store.url, sessions="cookie", store_timeout_ms=250)


@pytest.fixture
def create_user(make_app, settings):
    """Creates an application with changed settings, and a client of it that is logged in."""
    return lambda **changed: logged_in(make_app(replace(settings, **changed)))


def search(client, number):
    """Search for one bag; fails unless it is found."""
    answer = client.get(f"/api/bags/search?q=M444-{number:07d}")
    assert answer.status_code == 200, answer.text
    assert [bag["qr_id"] for bag in answer.json["bags"]] == [f"M444-{number:07d}"]


def failures(client):
    return sum(float(value) for value in re.findall(r"store_failures_total\{.*\} (\S+)", client.get("/metrics").text))


def store_messages(caplog):
    return [record.message for record in caplog.records if record.message.startswith("shared store")]


def test_a_killed_store_is_logged_once_and_responses_stay_correct(create_user, own_store, caplog):
    client = create_user()
    search(client, 1)
    assert client.get("/health").json["store"] == "ok"
    own_store.kill()
    for number in range(1, 20):
        search(client, number)
    assert client.get(STATISTICS).status_code == 200
    assert client.get("/health").json["store"] == "away"
    assert store_messages(caplog) == ["shared store unavailable"]
    assert 1 <= failures(client) <= 5
    with own_store.restarted():
        wait_until(lambda: client.get("/health").json["store"] == "ok")
        for number in range(1, 5):
            search(client, number)
    assert store_messages(caplog) == ["shared store unavailable", "shared store available again"]


def test_while_the_store_is_unavailable_a_worker_caches_in_its_memory(create_user, own_store):
    client = create_user()
    own_store.kill()
    assert [cache_outcome(client.get(STATISTICS)) for _ in range(3)] == ["miss", "hit", "hit"]


def test_a_frozen_store_costs_one_wait_a_second_instead_of_one_a_request(create_user, own_store, caplog):
    client = create_user()
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
    assert store_messages(caplog) == ["shared store unavailable"]
    wait_until(lambda: client.get("/health").json["store"] == "ok")
    # No reply to an earlier command is taken for one to a later command.
    for number in range(60, 80):
        search(client, number)
    assert store_messages(caplog) == ["shared store unavailable", "shared store available again"]


@pytest.fixture
def connected_store(own_store):
    store = Store(own_store.url, "tests:", STORE_TIMEOUT_S, WorkerMetrics.private(COUNTERS).slot(0))
    yield store
    store.client.close()


@pytest.fixture
def answers(connected_store):
    return SharedCache(Lifetime(60), connected_store, "tests:")


def test_fifty_waiting_callers_do_not_wait_for_a_frozen_store_one_after_the_other(answers, own_store):
    computing, frozen = threading.Event(), threading.Event()
    computations = []

    def compute():
        computing.set()
        computations.append(1)
        assert frozen.wait(timeout=PATIENCE_S)
        return {"fine": True}

    with ThreadPoolExecutor(50) as pool:
        calls = [pool.submit(answers.get, "key", compute) for _ in range(50)]
        assert computing.wait(timeout=PATIENCE_S)
        time.sleep(0.2)
        started_s = time.monotonic()
        with own_store.frozen():
            frozen.set()
            assert all(future.result()[0] == {"fine": True} for future in calls)
            assert time.monotonic() - started_s < 5
    assert len(computations) <= 2


def test_only_one_caller_tries_an_unavailable_store(own_store):
    slot = WorkerMetrics.private(COUNTERS).slot(0)
    store = Store(own_store.url, "tests:", 0.25, slot)
    with own_store.frozen():
        assert not store.is_available()
        failed = slot.memory[slot.places["store_failures"]]
        time.sleep(1.05)
        start = threading.Barrier(20)

        def try_store(_):
            start.wait(timeout=PATIENCE_S)
            return store.is_available()

        with ThreadPoolExecutor(20) as pool:
            assert not any(pool.map(try_store, range(20)))
        assert slot.memory[slot.places["store_failures"]] == failed + 1
    store.client.close()


def test_dead_connections_of_a_restarted_store_are_replaced_unnoticed(create_user, own_store, caplog):
    client = create_user()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.get("/health"), range(8)))
    search(client, 1)
    own_store.kill()
    with own_store.restarted():
        for number in range(1, 20):
            search(client, number)
        assert failures(client) == 0
        assert store_messages(caplog) == []


def test_a_full_store_is_logged_once_and_responses_stay_correct(create_user, own_store, caplog):
    client = create_user()
    search(client, 1)
    with redis.Redis.from_url(own_store.url) as full:
        full.config_set("maxmemory", "1")
        for number in (1, 2, 3, 2, 3):
            search(client, number)
        assert client.get(STATISTICS).status_code == 200
        assert client.get("/health").json["store"] == "ok"
        assert store_messages(caplog) == ["shared store refused a command"]
        assert failures(client) >= 3
        full.config_set("maxmemory", "256mb")
        search(client, 4)
        assert [key for key in full.scan_iter("*complete*") if key.endswith(b"M444-0000004")]


def test_sessions_in_a_frozen_store_are_unavailable_and_restored(create_user, own_store):
    client = create_user(sessions="shared")
    assert client.get(STATISTICS).status_code == 200
    with own_store.frozen():
        for path in (STATISTICS, "/", "/api/bags/search?q=M444"):
            require_unavailable(client.get(path))
        assert try_login(client).status_code == 503
    wait_until(lambda: client.get("/health").json["store"] == "ok")
    assert client.get(STATISTICS).status_code == 200


def test_the_application_starts_without_its_store(make_app, settings):
    url = f"redis://:password@127.0.0.1:{free_port()}/0"
    client = make_app(replace(settings, redis_url=url, login_throttle=True, sessions="shared")).test_client()
    assert client.get("/health").json["store"] == "away"
    assert client.get("/login").status_code == 200


def test_health_without_a_store_is_null(make_app, settings):
    client = make_app(replace(settings, redis_url="", cache="process")).test_client()
    assert client.get("/health").json["store"] is None


@pytest.mark.parametrize("url", ["redis://:hid/den@h:6379/0", "redis://:hidden@h:den/0", "http://:hidden@h", "hidden"])
def test_an_invalid_url_is_refused_without_its_password(make_app, settings, url):
    with pytest.raises(SettingsError, match="TRACETRACK_REDIS_URL cannot be used; it looks like") as refused:
        make_app(replace(settings, redis_url=url))
    assert not re.search(r"hid|den|@h\b|\n", str(refused.value))


def test_many_callers_can_use_the_store_at_once(own_store):
    store = Store(own_store.url, "tests:", 5.0, WorkerMetrics.private(COUNTERS).slot(0))
    together = threading.Barrier(150)

    def use(_):
        with store.use() as client:
            together.wait(timeout=PATIENCE_S)
            return client.blpop("nothing", timeout=0.5)

    with ThreadPoolExecutor(150) as pool:
        assert list(pool.map(use, range(150))) == [None] * 150
    store.client.close()


def test_under_traffic_no_request_fails_while_the_store_fails_and_returns(serve, visit, settings, own_store, tmp_path):
    served = serve(replace(settings, server="gthread", threads=16, cache_search_ttl_s=1))
    visitors = [visit(served).login() for _ in range(8)]
    end = threading.Event()

    def traffic(number):
        visitor, requests = visitors[number - 1], 0
        while not end.is_set():
            qr_id = f"M444-{number * 100 + requests % 20:07d}"
            started_s = time.monotonic()
            answer = visitor.get(f"/api/bags/search?q={qr_id}")
            assert answer.status == 200, answer.text
            assert [bag["qr_id"] for bag in answer.json["bags"]] == [qr_id]
            assert time.monotonic() - started_s < MAX_REQUEST_S
            requests += 1
        return requests

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(traffic, number) for number in range(1, 9)]
        try:
            time.sleep(1)
            own_store.kill()
            time.sleep(1.5)
            with own_store.restarted() as child:
                wait_until(lambda: visit(served).get("/health").json["store"] == "ok")
                child.process.send_signal(signal.SIGSTOP)
                time.sleep(1.5)
                assert visit(served).get("/health").json["store"] == "away"
                child.process.send_signal(signal.SIGCONT)
                wait_until(lambda: visit(served).get("/health").json["store"] == "ok")
                end.set()
                assert all(future.result() > 10 for future in running)
        finally:
            end.set()
    lines = [json.loads(line) for line in (tmp_path / "gunicorn.log").read_text().splitlines() if line[0] == "{"]
    events = [line["event"] for line in lines if line["event"].startswith("shared store")]
    assert events == ["shared store unavailable", "shared store available again"] * 2
    assert 2 <= failures(visit(served)) <= 40


def test_a_new_connection_sends_nothing_but_its_password(connected_store):
    commands = connected_store.client.info("commandstats")
    connected_store.client.connection_pool.disconnect()
    connected_store.client.ping()
    after = connected_store.client.info("commandstats")
    calls = {name: after[name]["calls"] - commands.get(name, {"calls": 0})["calls"] for name in after}
    assert {name for name, count in calls.items() if count} == {"cmdstat_auth", "cmdstat_info", "cmdstat_ping"}
