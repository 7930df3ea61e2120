"""Set-up of the database server that the workbench starts, and exclusive use of yours."""

from contextlib import closing

import psycopg2
import pytest
from sqlalchemy import make_url

from loadgen import services
from workbench.errors import UserError


@pytest.fixture
def query(server):
    with closing(server.connect()) as connection, connection.cursor() as cursor:

        def first_row(sql):
            cursor.execute(sql)
            return cursor.fetchone()

        yield first_row


def test_server_has_the_documented_version_locale_and_addresses(query):
    assert query("SELECT current_setting('server_version_num')::int / 10000") == (18,)
    assert query("SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'template0'") == ("b", "C.UTF-8")
    assert query("SHOW server_encoding") == ("UTF8",)
    assert query("SHOW listen_addresses") == ("127.0.0.1",)
    assert query("SHOW unix_socket_directories") == ("",)


def test_server_requires_scram_passwords(query, server):
    assert query("SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'tracetrack'") == (True,)
    url = make_url(server.url)
    with pytest.raises(psycopg2.OperationalError, match="no password supplied"):
        psycopg2.connect(host=url.host, port=url.port, user=url.username, dbname=url.database, passfile="/nowhere")


def test_given_server_is_used_by_one_command_at_a_time(server, monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", server.url)
    with (
        services.database_server(tmp_path, 100),
        pytest.raises(UserError, match="another command is using the server"),
        services.database_server(tmp_path, 100),
    ):
        pass
    with services.database_server(tmp_path, 100) as reopened:
        assert reopened.child is None
