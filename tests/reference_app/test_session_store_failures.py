"""Sessions in a Valkey that is gone, frozen, full or new: nobody is told anything that is not so, nor waits for it."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
import redis

from loadgen.accounts import PASSWORD

STATISTICS = "/api/dashboard/stats"
TIMEOUT_MS = 250
LONGEST_S = 10 * TIMEOUT_MS / 1000
PATIENCE_S = 10


@pytest.fixture(params=["shared", "flask-session-redis"])
def settings(request, settings, own_store):
    return replace(
        settings,
        sessions=request.param,
        redis_url=own_store.url,
        store_timeout_ms=TIMEOUT_MS,
        password_hash="argon2id",
        login_throttle=True,
    )


def try_login(client):
    return client.post("/login", data={"username": "user001", "password": PASSWORD})


@pytest.fixture
def person(app):
    client = app.test_client()
    assert try_login(client).status_code == 302
    assert client.get(STATISTICS).status_code == 200
    return client


@contextmanager
def soon():
    began_s = time.monotonic()
    yield
    assert time.monotonic() - began_s < LONGEST_S


def is_unavailable(answer):
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json == {"success": False, "error": "the session store is not available"}
    assert not {"Set-Cookie", "Location"} & set(answer.headers.keys())
    return True


def is_unavailable_to(person):
    for path in (STATISTICS, "/api/bags/search?q=M444", "/"):
        with soon():
            assert is_unavailable(person.get(path))
    for path, more in (("/login", {}), ("/logout", {}), ("/api/scans", {"json": {"qr_id": "M444-0000001"}})):
        with soon():
            assert is_unavailable(person.post(path, **more))
    return True


def lets_nobody_in(app):
    stranger = app.test_client()
    with soon():
        assert is_unavailable(try_login(stranger))
    assert stranger.get_cookie("session") is None
    assert stranger.get(STATISTICS).status_code == 401
    assert stranger.get("/login").status_code == 200
    return True


def wait_for_login(app):
    """Until the store counts as being there again: a client that is logged in."""
    end_s = time.monotonic() + PATIENCE_S
    client = app.test_client()
    while try_login(client).status_code == 503:
        assert time.monotonic() < end_s
        time.sleep(0.1)
    assert client.get(STATISTICS).status_code == 200
    return client


def test_a_killed_store_makes_sessions_unavailable_and_an_empty_one_has_none(app, person, own_store):
    own_store.kill()
    assert is_unavailable_to(person)
    assert lets_nobody_in(app)
    with own_store.started_again():
        wait_for_login(app)
        assert person.get(STATISTICS).status_code == 401
        assert person.get("/").location == "/login"
        assert try_login(person).status_code == 302
        assert person.get(STATISTICS).status_code == 200


def test_a_frozen_store_makes_sessions_unavailable_and_gives_them_back(app, person, own_store):
    with own_store.frozen():
        assert is_unavailable_to(person)
        assert lets_nobody_in(app)
    wait_for_login(app)
    assert person.get(STATISTICS).json["user_context"]["username"] == "user001"
    assert person.post("/logout").status_code == 302
    assert person.get(STATISTICS).status_code == 401


def test_a_full_store_lets_nobody_in_and_everybody_out(app, person, settings, own_store):
    other = app.test_client()
    assert try_login(other).status_code == 302
    with redis.Redis.from_url(own_store.url) as full:
        full.config_set("maxmemory", "1")
        answer = person.get(STATISTICS)
        # Flask-Session writes at each request.
        assert answer.status_code == 200 if settings.sessions == "shared" else is_unavailable(answer)
        assert lets_nobody_in(app)
        token = other.get_cookie("session").value
        assert other.post("/logout").status_code == 302
        full.config_set("maxmemory", "256mb")
    other.set_cookie("session", token)
    assert other.get(STATISTICS).status_code == 401
    assert person.get(STATISTICS).status_code == 200
    assert wait_for_login(app)


def test_a_login_that_a_full_store_cannot_keep_leaves_nobody_logged_in(app, person, own_store):
    with redis.Redis.from_url(own_store.url) as full:
        full.config_set("maxmemory", "1")
        assert is_unavailable(try_login(person))
        full.config_set("maxmemory", "256mb")
    assert person.get(STATISTICS).status_code == 401
    assert try_login(person).status_code == 302


def test_a_restart_between_two_requests_is_not_seen_but_for_the_sessions_that_are_gone(app, person, own_store):
    own_store.kill()
    with own_store.started_again():
        assert person.get(STATISTICS).status_code == 401
        assert try_login(person).status_code == 302
        assert person.get(STATISTICS).status_code == 200


def test_under_traffic_a_login_that_says_so_is_one(serve, visit, settings, own_store):
    served = serve(replace(settings, server="gthread", threads=8, login_throttle=False))
    form = f"username=user001&password={PASSWORD}".encode()
    end = threading.Event()

    def traffic(_):
        seen = set()
        while not end.is_set():
            visitor = visit(served)
            began_s = time.monotonic()
            answers = [visitor.post("/login", form), visitor.get(STATISTICS)]
            assert time.monotonic() - began_s < 5
            assert all(answer.status != 503 or answer.headers["Retry-After"] for answer in answers)
            seen.add(tuple(answer.status for answer in answers))
        return seen

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(traffic, number) for number in range(4)]
        try:
            time.sleep(0.5)
            with own_store.frozen():
                time.sleep(0.7)
            time.sleep(1.3)
        finally:
            end.set()
        seen = set().union(*(future.result() for future in running))
    assert {(302, 200), (503, 401)} <= seen <= {(302, 200), (302, 503), (503, 401)}
    assert visit(served).login().get(STATISTICS).status == 200
