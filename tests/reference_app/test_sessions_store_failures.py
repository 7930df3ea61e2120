"""Sessions in a Valkey that is killed, frozen, full or new: responses are prompt, and true about the login."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
import redis

from tests.reference_app.sign_in import STATISTICS, encoded_form, logged_in, require_unavailable, try_login
from workbench.polling import attempts

TIMEOUT_MS = 250
MAX_RESPONSE_S = 10 * TIMEOUT_MS / 1000
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


@pytest.fixture
def user(app):
    client = logged_in(app)
    assert client.get(STATISTICS).status_code == 200
    return client


@contextmanager
def prompt():
    started_s = time.monotonic()
    yield
    assert time.monotonic() - started_s < MAX_RESPONSE_S


def require_unavailable_to(user):
    for path in (STATISTICS, "/api/bags/search?q=M444", "/"):
        with prompt():
            require_unavailable(user.get(path))
    for path, more in (("/login", {}), ("/logout", {}), ("/api/scans", {"json": {"qr_id": "M444-0000001"}})):
        with prompt():
            require_unavailable(user.post(path, **more))


def require_no_login(app):
    stranger = app.test_client()
    with prompt():
        require_unavailable(try_login(stranger))
    assert stranger.get_cookie("session") is None
    assert stranger.get(STATISTICS).status_code == 401
    assert stranger.get("/login").status_code == 200


def wait_for_login(app):
    """Try to log in until the store is available again; the client that is logged in."""
    client = app.test_client()
    for _ in attempts(PATIENCE_S, 0.1):
        if try_login(client).status_code != 503:
            break
    assert client.get(STATISTICS).status_code == 200
    return client


def test_a_killed_store_makes_sessions_unavailable_and_an_empty_one_has_none(app, user, own_store):
    own_store.kill()
    require_unavailable_to(user)
    require_no_login(app)
    with own_store.restarted():
        wait_for_login(app)
        assert user.get(STATISTICS).status_code == 401
        assert user.get("/").location == "/login"
        assert try_login(user).status_code == 302
        assert user.get(STATISTICS).status_code == 200


def test_a_frozen_store_makes_sessions_unavailable_and_restores_them(app, user, own_store):
    with own_store.frozen():
        require_unavailable_to(user)
        require_no_login(app)
    wait_for_login(app)
    assert user.get(STATISTICS).json["user_context"]["username"] == "user001"
    assert user.post("/logout").status_code == 302
    assert user.get(STATISTICS).status_code == 401


def test_a_full_store_refuses_logins_and_allows_logouts(app, user, own_store):
    other = logged_in(app)
    with redis.Redis.from_url(own_store.url) as full:
        full.config_set("maxmemory", "1")
        assert user.get(STATISTICS).status_code == 200
        require_no_login(app)
        token = other.get_cookie("session").value
        assert other.post("/logout").status_code == 302
        full.config_set("maxmemory", "256mb")
    other.set_cookie("session", token)
    assert other.get(STATISTICS).status_code == 401
    assert user.get(STATISTICS).status_code == 200
    assert wait_for_login(app)


def test_a_login_that_a_full_store_cannot_save_ends_the_session(app, user, own_store):
    with redis.Redis.from_url(own_store.url) as full:
        full.config_set("maxmemory", "1")
        require_unavailable(try_login(user))
        full.config_set("maxmemory", "256mb")
    assert user.get(STATISTICS).status_code == 401
    assert try_login(user).status_code == 302


def test_a_restart_between_two_requests_only_loses_the_sessions(app, user, own_store):
    own_store.kill()
    with own_store.restarted():
        assert user.get(STATISTICS).status_code == 401
        assert try_login(user).status_code == 302
        assert user.get(STATISTICS).status_code == 200


def test_under_traffic_every_successful_login_has_a_session(serve, visit, settings, own_store):
    served = serve(replace(settings, server="gthread", threads=8, login_throttle=False))
    end = threading.Event()

    def traffic(_):
        statuses = set()
        while not end.is_set():
            visitor = visit(served)
            started_s = time.monotonic()
            answers = [visitor.post("/login", encoded_form()), visitor.get(STATISTICS)]
            assert time.monotonic() - started_s < 5
            assert all(answer.status != 503 or answer.headers["Retry-After"] for answer in answers)
            statuses.add(tuple(answer.status for answer in answers))
        return statuses

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(traffic, number) for number in range(4)]
        try:
            time.sleep(0.5)
            with own_store.frozen():
                time.sleep(0.7)
            time.sleep(1.3)
        finally:
            end.set()
        statuses = set().union(*(future.result() for future in running))
    assert {(302, 200), (503, 401)} <= statuses <= {(302, 200), (302, 503), (503, 401)}
    assert visit(served).login().get(STATISTICS).status == 200
