"""All waits of a request for the database end within its time, and leave no backend behind."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest

from tests.processes import frozen, wait_until
from tests.reference_app.sign_in import STATISTICS, give_session
from tests.reference_app.table_lock import table_lock

FRAMEWORKS = ("flask", "quart")
SEARCH = "/api/bags/search?q=M444-0000001"
TIMEOUT_S, CHECK_MS = 1.0, 100


@pytest.fixture
def settings(settings, framework):
    return replace(
        settings,
        server="uvicorn" if framework == "quart" else "sync",
        driver="psycopg3" if framework == "quart" else "psycopg2",
        sessions="cookie",
        deadlines=framework == "flask",
        reads="autocommit",
        pool_size=1,
        pool_max_overflow=0,
        pool_ping_after_ms=60_000,
        database_timeout_s=TIMEOUT_S,
        client_check_ms=CHECK_MS,
        retry_lost=True,
    )


@pytest.fixture
def user(client):
    give_session(client)
    assert client.get("/").status_code == 200  # its connection is there
    return client


@pytest.fixture
def bags_lock(server, database):
    """A connection that locks the bags, so that their readers wait, until it is closed."""
    with table_lock(server, database, "bag") as connection:
        yield connection


@pytest.fixture
def backends(own_rows):
    """Lists the process ids of the application's backends."""

    def pids():
        query = (
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'tracetrack' AND datname = current_database()"
        )
        return [pid for (pid,) in own_rows(query)]

    return pids


def scan(client):
    return client.post("/api/scans", json={"qr_id": "M444-0000001"}, headers={"Idempotency-Key": "a key"})


def require_unavailable(answer, started_s):
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert TIMEOUT_S * 0.9 <= time.monotonic() - started_s < TIMEOUT_S + 1


@pytest.mark.parametrize("request_of", [lambda client: client.get(SEARCH), scan], ids=["read", "write"])
def test_a_statement_that_waits_for_a_lock_ends_with_the_time_and_its_backend_too(
    user, backends, bags_lock, request_of
):
    started_s = time.monotonic()
    require_unavailable(request_of(user), started_s)
    wait_until(lambda: len(backends()) <= 1)
    assert user.get("/").status_code == 200
    bags_lock.close()
    assert request_of(user).status_code in (200, 201)


def test_a_frozen_backend_ends_no_more_than_the_time(user, backends):
    (pid,) = backends()
    started_s = time.monotonic()
    with frozen([pid]):
        require_unavailable(user.get("/"), started_s)
        assert user.get("/").status_code == 200
    wait_until(lambda: len(backends()) == 1)


def test_the_waits_of_one_request_add_up(user, server, database, bags_lock):
    """The account is looked up first: its wait leaves less for the statement that follows."""
    with ThreadPoolExecutor(1) as pool, closing(server.connect(database)) as accounts, accounts.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute('LOCK TABLE tracetrack."user" IN ACCESS EXCLUSIVE MODE')
        started_s = time.monotonic()
        sent = pool.submit(scan, user)
        time.sleep(0.7 * TIMEOUT_S)
        accounts.close()
        require_unavailable(sent.result(), started_s)


def test_a_request_whose_time_is_over_gets_no_connection(make_app, settings):
    app = make_app(replace(settings, database_timeout_s=0.001))
    client = app.test_client()
    give_session(client)
    answer = client.get(STATISTICS)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
