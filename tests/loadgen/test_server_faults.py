"""Toxics between real clients and real servers: PostgreSQL by psycopg2, Valkey by redis-py."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlsplit

import psycopg2
import pytest
import redis
from sqlalchemy import make_url

from loadgen import proxy, services
from tests.processes import wait_until

BLACK_HOLE_S = 1.0


@pytest.fixture
def database_proxy(server, tmp_path):
    """A proxy in front of PostgreSQL, and the URL that leads through it."""
    url = make_url(server.url)
    with proxy.through((url.host, url.port), 2, tmp_path / "proxy.log") as running:
        host, port = running.address
        yield running, url.set(host=host, port=port).render_as_string(hide_password=False)


def answer_of(connection, statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()


def is_active(server, statement):
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE query = %s AND state = 'active'", (statement,))
        return cursor.fetchone() == (1,)


def test_statement_under_way_is_answered_after_a_black_hole(server, database_proxy):
    running, url = database_proxy
    statement = "SELECT 'answered' FROM pg_sleep(0.5)"
    with closing(services.connect(url)) as connection, ThreadPoolExecutor(1) as thread:
        executing = thread.submit(answer_of, connection, statement)
        wait_until(lambda: is_active(server, statement))
        begin_s = running.add("hole", "timeout", timeout_ms=0)
        time.sleep(BLACK_HOLE_S)
        assert not is_active(server, statement)  # it has been executed, and its answer is held
        assert not executing.done()
        end_s = running.remove("hole")
        assert executing.result(timeout=10) == ("answered",)
        assert end_s - begin_s >= BLACK_HOLE_S
        assert answer_of(connection, "SELECT 2") == (2,)


def test_reset_connection_of_postgres_is_an_operational_error_and_a_new_one_works(database_proxy):
    running, url = database_proxy
    with closing(services.connect(url)) as connection:
        assert answer_of(connection, "SELECT 1") == (1,)
        running.add("broken", "reset_peer", timeout_ms=0)
        with pytest.raises(psycopg2.OperationalError):
            answer_of(connection, "SELECT 1")
    running.clear()
    with closing(services.connect(url)) as connection:
        assert answer_of(connection, "SELECT 1") == (1,)


def test_valkey_times_out_in_a_black_hole_and_answers_afterwards(store, tmp_path):
    parts = urlsplit(store.url)
    with proxy.through((parts.hostname, parts.port), 0, tmp_path / "proxy.log") as running:
        host, port = running.address
        with closing(redis.Redis(host, port, password=parts.password, socket_timeout=0.3, retry=None)) as client:
            assert client.set("key", "value")
            running.add("hole", "timeout", timeout_ms=0)
            with pytest.raises(redis.TimeoutError):
                client.get("key")
            running.remove("hole")
            assert client.get("key") == b"value"
            running.add("off", "down")
            with pytest.raises(redis.ConnectionError):
                client.get("key")
            running.remove("off")
            assert client.get("key") == b"value"
