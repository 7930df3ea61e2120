"""The database server that comes with the workbench, as it is set up."""

from contextlib import closing

import psycopg2
import pytest
from sqlalchemy import make_url

from loadgen import services
from workbench.errors import UserError


@pytest.fixture
def ask(server):
    with closing(server.connect()) as connection, connection.cursor() as cursor:

        def answer(query):
            cursor.execute(query)
            return cursor.fetchone()

        yield answer


def test_it_is_the_promised_server(ask):
    assert ask("SELECT current_setting('server_version_num')::int / 10000") == (18,)
    assert ask("SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'template0'") == ("b", "C.UTF-8")
    assert ask("SHOW server_encoding") == ("UTF8",)
    assert ask("SHOW listen_addresses") == ("127.0.0.1",)
    assert ask("SHOW unix_socket_directories") == ("",)


def test_passwords_are_scram_and_asked_of_everybody(ask, server):
    assert ask("SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'tracetrack'") == (True,)
    url = make_url(server.url)
    with pytest.raises(psycopg2.OperationalError, match="no password supplied"):
        psycopg2.connect(host=url.host, port=url.port, user=url.username, dbname=url.database, passfile="/nowhere")


def test_your_server_is_used_by_one_command_at_a_time(server, monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", server.url)
    with (
        services.database_server(tmp_path, 100),
        pytest.raises(UserError, match="another command is using the server"),
        services.database_server(tmp_path, 100),
    ):
        pass
    with services.database_server(tmp_path, 100) as again:
        assert again.child is None
