"""Connections over the workers of gunicorn's threads: even, and without loss where a worker is stuck."""

import os
import signal
from contextlib import ExitStack, contextmanager

import psutil
import pytest

from reference_app.even_worker import LEAD, OpenConnections
from reference_app.settings import Settings
from tests.brief_server import serve_briefly
from tests.processes import wait_until
from tests.reference_app.worker_connections import worker_of_connection

CONNECTIONS, WORKERS = 60, 2


@pytest.fixture(scope="module")
def served(server, database, tmp_path_factory):
    settings = Settings(
        database_url=server.url_of(database),
        secret_key="a key of the tests",
        server="gthread",
        even_connections=True,
        workers=WORKERS,
        threads=16,
        pool_size=2,
        server_timing_for_all=True,
    )
    with serve_briefly(settings, tmp_path_factory.mktemp("served") / "log") as running:
        wait_until(lambda: len(workers(running)) == WORKERS)
        yield running


def workers(served):
    return psutil.Process(served.child.pid).children()


@contextmanager
def stopped(process):
    """Let a process compute nothing for the block."""
    os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process.pid, signal.SIGCONT)


def test_each_worker_has_its_share_of_the_connections(served):
    def is_even():
        with ExitStack() as stack:
            numbers = [worker_of_connection(served, stack) for _ in range(CONNECTIONS)]
        return abs(numbers.count("0") - numbers.count("1")) <= 2 * (LEAD + 1)

    # Other tests may keep a worker from its core for longer than the other one waits for it.
    wait_until(is_even)


def test_a_stuck_worker_keeps_nobody_out(served):
    stuck = workers(served)[0]
    with ExitStack() as stack, stopped(stuck):
        numbers = [worker_of_connection(served, stack) for _ in range(CONNECTIONS)]
    assert len(set(numbers)) == 1


def test_a_worker_that_was_replaced_takes_its_share(served):
    ended = workers(served)[0]
    ended.kill()
    wait_until(lambda: len([worker for worker in workers(served) if worker.pid != ended.pid]) == WORKERS)
    with ExitStack() as stack:
        # Until it accepts, the other one has all connections; then it is behind, and gets the next ones.
        wait_until(lambda: len({worker_of_connection(served, stack), worker_of_connection(served, stack)}) == WORKERS)


def test_only_workers_that_accept_are_compared():
    connections = OpenConnections(2)
    assert connections.fewest() == 0
    connections.put(0, 7)
    assert connections.fewest() == 7
    connections.put(1, 3)
    assert connections.fewest() == 3
    connections.clear(1)
    assert connections.fewest() == 7


def test_a_worker_beyond_the_last_place_is_not_counted():
    connections = OpenConnections(1)
    connections.put(0, 4)
    connections.put(1, 0)
    assert connections.fewest() == 4
