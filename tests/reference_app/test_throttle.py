"""The login throttle: from an address ten failures a minute for an account, and sixty in all."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import redis

from loadgen.accounts import PASSWORD
from reference_app import passwords
from tests.reference_app.sign_in import WRONG_PASSWORD, form

FRAMEWORKS = ("flask", "quart")

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


def test_after_the_time_to_wait_a_login_succeeds(app, monkeypatch):
    use_up(app)
    wait_s, real = int(attempt(app).headers["Retry-After"]), time.time
    monkeypatch.setattr(time, "time", lambda: real() + wait_s + 1)
    assert attempt(app, password=PASSWORD).status_code == 302


@pytest.mark.parametrize("with_store", [True])
def test_the_store_forgets_a_count_after_a_minute(app, store_client):
    use_up(app)
    keys = store_client.keys("*login*")
    assert len(keys) == 2
    for key in keys:
        assert 0 < store_client.ttl(key) <= 60
        store_client.pexpire(key, 1)
    time.sleep(0.01)
    assert attempt(app, password=PASSWORD).status_code == 302


@WITH_STORE
def test_other_accounts_and_logged_in_users_are_not_affected(app, with_store):
    inside = app.test_client()
    inside.post("/login", data=form("user002"))
    use_up(app)
    assert attempt(app, "user003", PASSWORD).status_code == 302
    assert inside.get("/api/dashboard/stats").status_code == 200
    assert inside.get("/login").status_code == 200


@WITH_STORE
def test_failures_elsewhere_do_not_lock_the_owner_out(app, with_store):
    for number in range(1, 9):
        use_up(app, address=f"192.0.2.{number}")
    assert attempt(app, password=PASSWORD, address="198.51.100.7").status_code == 302


@WITH_STORE
def test_a_success_forgets_the_failures_of_that_account_from_that_address_only(app, with_store):
    for address in ("192.0.2.1", "192.0.2.2"):
        assert attempts(app, 9, address=address) == [401] * 9
    assert attempt(app, password=PASSWORD, address="192.0.2.1").status_code == 302
    use_up(app, address="192.0.2.1")
    assert attempts(app, 2, address="192.0.2.2") == [401, 429]


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("198.51.100.1:5000", "198.51.100.1:6000", True),
        ("[2001:db8::1]:5000", "2001:db8::2", True),
        ("[", "[", True),
        ("", "", True),
        ("no address", "no address", True),
    ],
)
def test_addresses_of_one_network_of_ipv6_count_as_one(app, first, second, is_one):
    use_up(app, address=first)
    assert attempt(app, address=second).status_code == (429 if is_one else 401)


@WITH_STORE
def test_refused_attempts_for_one_account_do_not_use_up_the_address(app, with_store):
    use_up(app)
    assert attempts(app, BY_ADDRESS) == [429] * BY_ADDRESS
    assert attempt(app, "user002").status_code == 401


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


@pytest.mark.parametrize("proxies", [1, 2])
def test_behind_proxies_the_address_that_the_outermost_saw_counts(make_app, settings, proxies):
    app = make_app(replace(settings, proxies=proxies))

    def forwarded(client):
        inner = [f"10.0.0.{number}" for number in range(1, proxies)]
        return {"headers": {"X-Forwarded-For": ", ".join(["203.0.113.66", client, *inner])}, "address": "127.0.0.1"}

    use_up(app, **forwarded("198.51.100.1"))
    assert attempt(app, **forwarded("198.51.100.2")).status_code == 401
    assert attempt(app, password=PASSWORD, **forwarded("198.51.100.1")).status_code == 429


def test_a_request_that_came_past_the_proxies_counts_for_its_own_address(make_app, settings):
    app = make_app(replace(settings, proxies=2))
    use_up(app, headers={"X-Forwarded-For": "198.51.100.1"})
    assert attempt(app, headers={"X-Forwarded-For": "198.51.100.2"}).status_code == 429


@WITH_STORE
def test_successful_logins_do_not_count(app, with_store):
    assert attempts(app, BY_ACCOUNT + 5, password=PASSWORD) == [302] * (BY_ACCOUNT + 5)
    statuses = [attempt(app, f"user{number:03}", PASSWORD).status_code for number in range(1, BY_ADDRESS + 5)]
    assert statuses == [302] * (BY_ADDRESS + 4)
    use_up(app)


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
