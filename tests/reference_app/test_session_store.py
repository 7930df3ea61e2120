"""How many sessions the monitor counts, in the stores in which the application keeps them."""

from contextlib import closing
from dataclasses import replace

import pytest
import redis

from instrumentation.monitor import session_count
from instrumentation.monitor.session_count import MAX_SCANNED, SessionStore, count
from loadgen import services
from reference_app.session_store import countable_sessions
from tests.reference_app.sign_in import logged_in

STORES = {
    "shared": "valkey", "flask-session-redis": "valkey", "database": "postgresql", "filesystem": "files",
}  # fmt: skip


@pytest.fixture
def settings(settings, store, server, database):
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM tracetrack.session")
    return replace(settings, redis_url=store.url, store_prefix=store.prefix, password_hash="argon2id")


@pytest.mark.parametrize("kind", STORES)
def test_the_sessions_of_the_application_are_counted_where_they_are_stored(settings, make_app, kind):
    settings = replace(settings, sessions=kind, cache="shared")
    app = make_app(settings)
    counted = count(countable_sessions(settings))
    assert (counted.store, counted.number, counted.reason) == (STORES[kind], 0, "")
    users = [logged_in(app, f"user00{number}") for number in range(1, 4)]
    for user in users:
        assert user.get("/api/dashboard/stats").status_code == 200  # which fills a cache of the same store
    assert count(countable_sessions(settings)).number == 3
    users[0].get("/logout")
    users[0].post("/logout")
    assert count(countable_sessions(settings)).number == 2


def test_sessions_in_cookies_are_not_counted(settings):
    assert countable_sessions(replace(settings, sessions="cookie")) is None


def test_sessions_that_have_expired_are_not_counted_in_the_database(settings, make_app, server, database):
    settings = replace(settings, sessions="database")
    logged_in(make_app(settings))
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE tracetrack.session SET expires_at = now() - interval '1 s'")
    assert count(countable_sessions(settings)).number == 0


def test_the_rows_that_are_counted_are_bounded(server, database, monkeypatch):
    monkeypatch.setattr(session_count, "MAX_ROWS", 1000)
    rows = SessionStore("postgresql", server.url_of(database), "SELECT 1 FROM generate_series(1, 1000000)")
    counted = count(rows)
    assert (counted.number, counted.is_capped) == (1000, True)


def test_a_prefix_is_no_pattern(store):
    with redis.Redis.from_url(store.url) as client:
        client.mset({"a*b:1": "", "a*b:2": "", "axb:3": "", "other": ""})
    assert count(SessionStore("valkey", store.url, "a*b:")).number == 2


def test_a_large_store_is_sampled_and_not_scanned(store):
    others, sessions = 3 * MAX_SCANNED, MAX_SCANNED
    with redis.Redis.from_url(store.url) as client:
        client.mset({f"cache:{number}": "" for number in range(others)})
        client.mset({f"session:{number}": "" for number in range(sessions)})
        counted = count(SessionStore("valkey", store.url, "session:"))
        used = client.info("commandstats")
    assert 0 < counted.margin < sessions
    assert abs(counted.number - sessions) < 3 * counted.margin  # six standard errors
    assert not {"cmdstat_keys", "cmdstat_scan"} & used.keys()
    assert used["cmdstat_randomkey"]["calls"] == session_count.SAMPLES


@pytest.mark.parametrize(
    ("store", "reason"),
    [
        (SessionStore("valkey", "redis://127.0.0.1:{port}/0", "session:"), "refused"),
        (SessionStore("postgresql", "postgresql://nobody@127.0.0.1:{port}/none", "SELECT 1"), "refused"),
        (SessionStore("files", "/no/such/folder", ""), "No such file"),
    ],
)
def test_a_store_that_does_not_answer_gives_a_reason_in_the_place_of_a_number(store, reason):
    counted = count(replace(store, place=store.place.format(port=services.free_port())))
    assert counted.number is None
    assert reason in counted.reason


def test_the_store_passes_through_the_environment_once(monkeypatch):
    store = SessionStore("valkey", "redis://:password@127.0.0.1/0", "p:")
    for name, value in store.to_environ().items():
        monkeypatch.setenv(name, value)
    assert SessionStore.from_environ() == store
    assert SessionStore.from_environ() is None
