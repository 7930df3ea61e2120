"""What `docs/OPERATIONS.md` promises while PostgreSQL fails under load: clean refusals, in time, a quick recovery.

The settings are those of `tuned`; the faults are shorter than those of the scenarios.
"""

import os
import signal
import time
from contextlib import ExitStack, closing, contextmanager, suppress

import psutil
import psycopg2
import pytest

from loadgen import deployments, proxy
from loadgen.services import database_url
from tests.processes import frozen, wait_until
from tests.reference_app.black_hole import black_hole
from tests.reference_app.faulty_load import SUCCESSES, FaultyLoad
from tests.reference_app.table_lock import table_lock
from workbench.arms import GEVENT, TUNED
from workbench.errors import UserError

MAX_REQUEST_S, RECOVERY_S = 10.0, 2.0
WORKERS, POOL = 2, 3
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'tracetrack' AND datname = current_database()"


@pytest.fixture
def between(server, tmp_path):
    with proxy.through(server.address, 0, tmp_path / "proxy.log") as running:
        yield running


@pytest.fixture
def deployment():
    return TUNED


@pytest.fixture
def load(serve, visit, settings, between, deployment):
    """Load on the application of a deployment, with sessions in cookies; its pools are warm."""
    url = database_url.through(settings.database_url, between.address)
    tuned = deployments.settings_for(
        deployment, database_url=url, secret_key=settings.secret_key, sessions="cookie", workers=WORKERS, scale="small",
        statistics_query="aggregated", login_throttle=False, cpu_affinity=False,
    )  # fmt: skip
    served = serve(tuned)
    return FaultyLoad(visit(served).login(), served.url)


@pytest.fixture
def rows(server, database):
    """The rows of a statement, over a connection of its own: a fault may end all that are there."""

    def execute(statement, *parameters):
        with closing(server.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    return execute


@pytest.fixture
def backends(rows):
    return lambda: [pid for (pid,) in rows(BACKENDS)]


@pytest.fixture
def terminate(rows):
    return lambda: rows(f"SELECT pg_terminate_backend(pid, 5000) FROM ({BACKENDS}) AS own")


@contextmanager
def black_hole_with_a_cold_pool(between, terminate, **_):
    with black_hole(between):
        terminate()
        yield


@contextmanager
def refused_connections(between, **_):
    between.add("down", "down")
    yield
    between.remove("down")


@contextmanager
def crashed_server(backends, rows, **_):
    """PostgreSQL ends all connections, and refuses new ones until it has recovered."""
    os.kill(backends()[0], signal.SIGKILL)
    yield
    wait_until(lambda: is_up(rows))


def is_up(rows):
    with suppress(UserError, psycopg2.Error):
        return rows("SELECT 1")
    return False


@contextmanager
def frozen_server(server, **_):
    with frozen([server.pid, *(child.pid for child in psutil.Process(server.pid).children())]):
        yield


@contextmanager
def frozen_postmaster(server, terminate, **_):
    terminate()
    with frozen([server.pid]):
        yield


@contextmanager
def frozen_backend(backends, **_):
    with frozen(backends()[:1]):
        yield


@contextmanager
def locked_bags(server, database, **_):
    with table_lock(server, database, "bag"):
        yield


@contextmanager
def connections_used_up(server, database, **_):
    """The application's backends are terminated, and others take their connections and all that were left."""
    with ExitStack() as stack:
        first = stack.enter_context(closing(server.connect(database)))
        with first.cursor() as cursor:
            cursor.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM ({BACKENDS}) AS own")
        with suppress(UserError):
            while True:
                stack.enter_context(closing(server.connect(database)))
        yield


@contextmanager
def terminated_backends(terminate, **_):
    terminate()
    yield


# Seconds: longer than a statement may take, or only than a connect.
FAULTS = {
    black_hole: 7,
    black_hole_with_a_cold_pool: 3,
    refused_connections: 2,
    crashed_server: 1,
    frozen_server: 3,
    frozen_postmaster: 3,
    frozen_backend: 3,
    locked_bags: 6,
    connections_used_up: 2,
    terminated_backends: 1,
}


CASES = [(TUNED, fault) for fault in FAULTS] + [
    (deployment, fault)
    for deployment in (GEVENT, "async-quart")
    for fault in (black_hole, frozen_server, locked_bags, terminated_backends)
]


@pytest.mark.parametrize(("deployment", "fault"), CASES, ids=lambda case: getattr(case, "__name__", case))
def test_each_failure_is_a_clean_refusal_and_the_recovery_is_quick(
    load, between, server, database, rows, backends, terminate, fault
):
    load.send_for(1)
    parts = {"between": between, "server": server, "database": database, "terminate": terminate}
    with fault(**parts, backends=backends, rows=rows):
        load.send_for(FAULTS[fault])
    ended_s = time.monotonic()
    load.send_for(RECOVERY_S + 1)
    results = load.results()
    assert all(sent.is_clean for sent in results)
    assert max(sent.seconds for sent in results) < MAX_REQUEST_S
    assert {sent.status for sent in results if sent.sent_s > ended_s + RECOVERY_S} <= SUCCESSES
    wait_until(lambda: len(backends()) <= WORKERS * POOL)
    stored = dict(rows("SELECT idempotency_key, count(*) FROM tracetrack.scan "
                           "WHERE idempotency_key LIKE 'fault %%' GROUP BY 1"))  # fmt: skip
    rows("DELETE FROM tracetrack.scan WHERE idempotency_key LIKE 'fault %%'")
    assert all(stored.get(sent.key) == 1 for sent in results if sent.key and sent.status == 201)
    assert set(stored.values()) <= {1}
