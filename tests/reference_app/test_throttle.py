"""The login throttle: ten attempts a minute for an account, sixty from an address."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import redis

from loadgen.accounts import PASSWORD
from reference_app import passwords
from tests.reference_app.sign_in import WRONG_PASSWORD, form

BY_ACCOUNT, BY_ADDRESS = 10, 60
WITH_STORE = pytest.mark.parametrize("with_store", [False, True])


@pytest.fixture
def settings(settings):
    return replace(settings, sessions="cookie", login_throttle=True)


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    monkeypatch.setattr(passwords, "_verify", lambda stored, password: password == PASSWORD)


@pytest.fixture
def with_store():
    return False


@pytest.fixture
def app(make_app, settings, store, with_store):
    return make_app(replace(settings, redis_url=store.url if with_store else ""))


def attempt(app, username="user001", password=WRONG_PASSWORD, address="192.0.2.1", **more):
    return app.test_client().post(
        "/login", data=form(username, password), environ_overrides={"REMOTE_ADDR": address}, **more
    )


def attempts(app, count, username="user001", **more):
    return [attempt(app, username, **more).status_code for _ in range(count)]


def use_up(app, username="user001", **more):
    assert attempts(app, BY_ACCOUNT + 1, username, **more) == [401] * BY_ACCOUNT + [429]


def unknown_name(number):
    return f"unknown-{number}"


@WITH_STORE
def test_the_eleventh_attempt_for_an_account_gets_the_form_and_the_time_to_wait(app, with_store):
    use_up(app)
    answer = attempt(app, password=PASSWORD)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert f"Too many attempts; try again in {answer.headers['Retry-After']} seconds." in answer.text
    assert 'name="password"' in answer.text
    assert "Set-Cookie" not in answer.headers


@WITH_STORE
def test_after_the_time_to_wait_a_login_succeeds(app, with_store, monkeypatch):
    use_up(app)
    wait_s, real = int(attempt(app).headers["Retry-After"]), time.time
    monkeypatch.setattr(time, "time", lambda: real() + wait_s + 1)
    assert attempt(app, password=PASSWORD).status_code == 302


@WITH_STORE
def test_other_accounts_and_logged_in_users_are_not_affected(app, with_store):
    inside = app.test_client()
    inside.post("/login", data=form("user002"))
    use_up(app)
    assert attempt(app, "user003", PASSWORD).status_code == 302
    assert inside.get("/api/dashboard/stats").status_code == 200
    assert inside.get("/login").status_code == 200


def test_an_account_is_counted_from_all_addresses(app):
    statuses = [attempt(app, address=f"192.0.2.{number}").status_code for number in range(BY_ACCOUNT + 1)]
    assert statuses == [401] * BY_ACCOUNT + [429]


@WITH_STORE
def test_the_61st_attempt_from_an_address_is_refused_for_any_account(app, with_store):
    statuses = [attempt(app, unknown_name(number)).status_code for number in range(BY_ADDRESS)]
    assert statuses == [401] * BY_ADDRESS
    answer = attempt(app, "user001", PASSWORD)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert attempt(app, "user001", PASSWORD, address="2001:db8::1").status_code == 302


def test_an_address_in_a_header_is_ignored(app):
    for number in range(BY_ADDRESS):
        attempt(app, unknown_name(number), headers={"X-Forwarded-For": f"198.51.100.{number}"})
    assert attempt(app, headers={"X-Forwarded-For": "198.51.100.200", "Forwarded": "for=1.2.3.4"}).status_code == 429


def test_a_successful_login_counts_too(app):
    statuses = attempts(app, BY_ACCOUNT + 1, password=PASSWORD)
    assert statuses == [302] * BY_ACCOUNT + [429]


def test_a_refused_attempt_computes_no_hash(app, monkeypatch):
    use_up(app)
    monkeypatch.setattr(passwords, "_verify", lambda stored, password: pytest.fail("hashed"))
    assert attempt(app).status_code == 429


@WITH_STORE
def test_many_attempts_at_once_are_counted(app, with_store):
    together = threading.Barrier(40)

    def try_login(_):
        together.wait(timeout=10)
        return attempt(app).status_code

    with ThreadPoolExecutor(40) as pool:
        statuses = list(pool.map(try_login, range(40)))
    assert (statuses.count(401), statuses.count(429)) == (BY_ACCOUNT, 30)


@WITH_STORE
@pytest.mark.parametrize("long", ["u" * 10_000, "ü€😀" * 2_000, "\0", "a b\r\nc", "", "x/y:z*"])
def test_a_name_of_any_kind_is_counted(app, store, with_store, long):
    use_up(app, long)
    assert attempt(app, f"{long}x").status_code == 401
    if with_store:
        with redis.Redis.from_url(store.url) as stored:
            assert max(len(key) for key in stored.keys("*")) < 200


def test_without_a_store_each_worker_counts_for_itself(make_app, settings):
    first, second = make_app(settings), make_app(settings)
    use_up(first)
    assert attempt(second).status_code == 401


def test_with_a_store_all_workers_count_together(make_app, settings, store):
    first, second = (make_app(replace(settings, redis_url=store.url)) for _ in range(2))
    assert attempts(first, 5) + attempts(second, 5) == [401] * 10
    assert attempt(first).status_code == attempt(second).status_code == 429
    other = make_app(replace(settings, redis_url=store.url, store_prefix="other:"))
    assert attempt(other).status_code == 401


def test_while_the_store_is_unavailable_each_worker_counts_for_itself(make_app, settings, own_store):
    app = make_app(replace(settings, redis_url=own_store.url))
    assert attempts(app, 5) == [401] * 5
    own_store.kill()
    use_up(app)
    with own_store.restarted():
        time.sleep(1.1)
        use_up(app)


def test_with_a_full_store_attempts_are_counted(make_app, settings, own_store):
    app = make_app(replace(settings, redis_url=own_store.url))
    with redis.Redis.from_url(own_store.url) as full:
        full.config_set("maxmemory", "1")
    use_up(app)


@WITH_STORE
def test_without_the_throttle_all_attempts_pass(make_app, settings, store, with_store):
    app = make_app(replace(settings, login_throttle=False, redis_url=store.url if with_store else ""))
    assert attempts(app, BY_ADDRESS + 5) == [401] * (BY_ADDRESS + 5)
