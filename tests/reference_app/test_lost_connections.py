"""A unit of work whose connection was lost runs again, once: no user sees it, and what is written is written once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import event

from loadgen import proxy
from loadgen.services import database_url
from tests.processes import wait_until
from tests.reference_app.sign_in import STATISTICS, give_session, try_login
from tests.reference_app.table_lock import table_lock

FRAMEWORKS = ("flask", "quart")
SEARCH = "/api/bags/search?q=M444-0000001"
PATHS = (STATISTICS, SEARCH, "/health", "/")
POOL = 3


@pytest.fixture
def settings(settings, framework):
    return replace(
        settings,
        sessions="database",
        reads="autocommit",
        retry_lost=True,
        pool_size=POOL,
        pool_max_overflow=0,
        pool_ping_after_ms=60_000,
        statement_timeout_ms=5000,
        deadlines=framework == "flask",
    )


@pytest.fixture(autouse=True)
def forget_scans(own_rows):
    """Let no framework find the scans of the other one."""
    own_rows("DELETE FROM tracetrack.scan WHERE idempotency_key IS NOT NULL")


@pytest.fixture
def user(client):
    give_session(client)
    return client


@pytest.fixture
def backends(own_rows):
    """Lists the process ids of the application's backends, those that an SQL condition is true of."""

    def pids(condition="true"):
        query = (
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'tracetrack' AND datname = current_database()"
        )
        return [pid for (pid,) in own_rows(f"{query} AND {condition}")]

    return pids


@pytest.fixture
def terminate(own_rows, backends):
    """Terminates the application's backends that an SQL condition is true of, and waits for their end; their number."""

    def terminate_backends(condition="true"):
        pids = backends(condition)
        for pid in pids:
            own_rows("SELECT pg_terminate_backend(%s, 5000)", pid)  # false of one that has ended by itself
        assert not set(pids) & set(backends())
        return len(pids)

    return terminate_backends


def scan(client, key):
    return client.post("/api/scans", json={"qr_id": "M444-0000001"}, headers={"Idempotency-Key": key})


def stored_scans(own_rows, key):
    return own_rows("SELECT count(*) FROM tracetrack.scan WHERE idempotency_key = %s", key)[0][0]


@pytest.mark.parametrize("reads", ["autocommit", "transaction"])
def test_no_user_sees_that_idle_backends_were_terminated(make_app, settings, own_rows, backends, terminate, reads):
    app = make_app(replace(settings, reads=reads))
    user = app.test_client()
    give_session(user)

    def use(number):
        answers = [user.get(path) for path in PATHS]
        return {answer.status_code for answer in [*answers, scan(user, f"key {number}")]}

    with ThreadPoolExecutor(POOL) as pool:
        pool.map(use, range(POOL))
        assert terminate()
        assert set().union(*pool.map(use, range(POOL, 10))) <= {200, 201}
    assert terminate()
    assert try_login(app.test_client()).status_code == 302
    assert stored_scans(own_rows, "key 7") == 1
    assert len(backends()) <= POOL


@pytest.fixture
def bags_lock(server, database):
    """A connection that locks the bags, so that their readers wait, until it is closed."""
    with table_lock(server, database, "bag") as connection:
        yield connection


@pytest.mark.parametrize("path", ["scan", SEARCH])
def test_a_unit_whose_backend_was_terminated_in_mid_statement_runs_again(
    user, own_rows, backends, terminate, bags_lock, path
):
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(lambda: scan(user, "lost") if path == "scan" else user.get(path))
        wait_until(lambda: backends("wait_event_type = 'Lock'"))
        assert terminate("wait_event_type = 'Lock'") == 1
        wait_until(lambda: backends("wait_event_type = 'Lock'"))
        bags_lock.close()
        assert sent.result().status_code in (200, 201)
    assert stored_scans(own_rows, "lost") == (path == "scan")


def test_a_unit_is_run_again_once_only(user, own_rows, backends, terminate, bags_lock):
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(scan, user, "twice lost")
        for _ in range(2):
            wait_until(lambda: backends("wait_event_type = 'Lock'"))
            assert terminate("wait_event_type = 'Lock'") == 1
        answer = sent.result()
    require_unavailable(answer)
    assert stored_scans(own_rows, "twice lost") == 0
    bags_lock.close()
    assert scan(user, "twice lost").status_code == 201


def require_unavailable(answer):
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


@pytest.fixture
def commits_wait(own_rows):
    """The COMMIT of a scan waits for the lock that the fixture's statements hold."""
    own_rows("CREATE FUNCTION wait() RETURNS trigger AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END' "
             "LANGUAGE plpgsql")  # fmt: skip
    own_rows("CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON tracetrack.scan DEFERRABLE INITIALLY DEFERRED "
             "FOR EACH ROW EXECUTE FUNCTION wait()")  # fmt: skip
    own_rows("SELECT pg_advisory_lock(1)")
    yield
    own_rows("SELECT pg_advisory_unlock_all()")
    own_rows("DROP FUNCTION wait() CASCADE")


def test_a_scan_whose_commit_got_no_answer_is_stored_once(
    make_app, settings, server, own_rows, backends, commits_wait, tmp_path
):
    with proxy.through(server.address, 0, tmp_path / "proxy.log") as between:
        app = make_app(replace(settings, database_url=database_url.through(settings.database_url, between.address)))
        user = app.test_client()
        give_session(user)
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(scan, user, "committed")
            wait_until(lambda: backends("wait_event = 'advisory'"))
            between.add("end", "limit_data", "downstream", bytes=0)
            event.listen(app.extensions["engine"], "invalidate", lambda *_: between.clear())
            own_rows("SELECT pg_advisory_unlock_all()")
            answer = sent.result()
    assert (answer.status_code, answer.headers["Idempotency-Replayed"]) == (201, "true")
    assert stored_scans(own_rows, "committed") == 1


def test_without_retries_the_request_fails(make_app, settings, terminate):
    user = make_app(replace(settings, retry_lost=False)).test_client()
    give_session(user)
    assert user.get("/").status_code == 200
    assert terminate()
    require_unavailable(user.get("/"))
    assert user.get("/").status_code == 200


def test_connections_to_a_server_that_refuses_to_write_are_replaced(user, own_rows, database, terminate):
    assert scan(user, "before").status_code == 201
    own_rows(f'ALTER DATABASE "{database}" SET default_transaction_read_only = on')
    try:
        assert terminate()
        require_unavailable(scan(user, "meanwhile"))
        assert user.get("/").status_code == 200
    finally:
        own_rows("SET default_transaction_read_only = off")
        own_rows(f'ALTER DATABASE "{database}" RESET default_transaction_read_only')
    # Its connection is of a session that still refuses.
    assert scan(user, "after").status_code == 201
    assert stored_scans(own_rows, "after") == 1
