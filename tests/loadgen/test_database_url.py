"""`DATABASE_URL` in every form that libpq takes, and the way of a deployment to that server."""

import select
import socket
import socketserver
import threading
from contextlib import contextmanager, suppress
from urllib.parse import quote

import pytest
from sqlalchemy import create_engine, make_url, text

from loadgen import app_environment, deployments, services
from loadgen.services import database_url
from workbench.errors import UserError


def forms(server):
    """URLs of the server, by what is special about them."""
    url = make_url(server.url)
    tcp, login = f"{url.host}:{url.port}", f"{url.username}:{url.password}"
    return {
        "another prefix": f"postgres://{login}@{tcp}/postgres",
        "SQLAlchemy's prefix": f"postgresql+psycopg2://{login}@{tcp}/postgres",
        "several hosts, the second answers": f"postgresql://{login}@127.0.0.1:1,{tcp}/postgres",
        "host and port in the query": f"postgresql://{login}@/postgres?host={url.host}&port={url.port}",
        "an address beside the host": f"postgresql://{login}@db.example:{url.port}/postgres?hostaddr={url.host}",
        "options": f"postgresql://{login}@{tcp}/postgres?options=-c%20statement_timeout%3D9s&sslmode=prefer",
    }


FORMS = list(forms(services.DatabaseServer("postgresql://user:password@host:1/database", "", 0, None)))


def query(url, statement):
    """The first row, through SQLAlchemy as the application asks."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg2"))
    try:
        with engine.connect() as connection:
            return tuple(connection.execute(text(statement)).one())
    finally:
        engine.dispose()


@contextmanager
def route(given_url, deployment, folder):
    """The server of a `DATABASE_URL`, the application's URL, and the processes between the two."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", given_url)
        settings = deployments.settings_for(deployment)
        with (
            services.database_server(folder, 100) as given,
            app_environment.database_route(given, "postgres", settings, folder) as (url, processes),
        ):
            yield given, url, processes


@pytest.mark.parametrize("form", FORMS)
def test_a_proxy_stands_before_the_server_that_answers(server, tmp_path, form):
    with route(forms(server)[form], "as-measured-with-5-ms", tmp_path) as (given, url, processes):
        assert given.address == ("127.0.0.1", make_url(server.url).port)
        assert list(processes) == ["proxy"]
        assert make_url(url).port != make_url(server.url).port
        assert query(url, "SELECT current_database()") == ("postgres",)
        if form == "options":
            assert query(url, "SHOW statement_timeout") == ("9s",)


@pytest.mark.parametrize("form", ["an address beside the host", "options"])
def test_the_host_name_of_a_deployment_leads_to_the_same_server(server, tmp_path, form):
    with route(forms(server)[form], "as-measured-on-rds", tmp_path) as (_, url, processes):
        assert make_url(url).host == deployments.RDS_HOST
        assert not processes
        assert query(url, "SELECT inet_server_port()") == (make_url(server.url).port,)


class SocketBefore(socketserver.ThreadingUnixStreamServer):
    """A Unix socket, named as libpq expects it, that leads to a server that has none."""

    daemon_threads = True

    def __init__(self, folder, server):
        url = make_url(server.url)

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                with socket.create_connection((url.host, url.port)) as upstream, suppress(OSError):
                    sides = {self.request: upstream, upstream: self.request}
                    while True:
                        for side in select.select(list(sides), [], [])[0]:
                            if not (chunk := side.recv(2**16)):
                                return
                            sides[side].sendall(chunk)

        super().__init__(f"{folder}/.s.PGSQL.{url.port}", Handler)


@pytest.fixture(scope="module")
def socket_folder(server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sockets")
    with SocketBefore(folder, server) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield folder
        listening.shutdown()
        thread.join()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # newer Pythons warn of a fork beside the socket's threads
@pytest.mark.parametrize(
    "form",
    ["postgresql://{login}@/postgres?host={folder}&port={port}", "postgresql://{login}@{quoted}:{port}/postgres"],
)
@pytest.mark.parametrize("deployment", ["as-measured", "as-measured-with-5-ms", "as-measured-on-rds"])
def test_a_unix_socket_is_reached_directly_or_through_a_proxy(server, socket_folder, tmp_path, form, deployment):
    url = make_url(server.url)
    parts = {"login": f"{url.username}:{url.password}", "folder": socket_folder, "port": url.port}
    given_url = form.format(**parts, quoted=quote(str(socket_folder), safe=""))
    with route(given_url, deployment, tmp_path) as (given, app_url, processes):
        assert given.address == f"{socket_folder}/.s.PGSQL.{url.port}"
        assert list(processes) == ([] if deployment == "as-measured" else ["proxy"])
        assert query(app_url, "SELECT current_database()") == ("postgres",)


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1:5432",
        "mysql://u:secret@h/d",
        "postgresql://u:secret@h%zz/d",
        "postgresql://u:secret@h",
        "postgresql://u:secret@h/d?no=1",
    ],
)
def test_what_is_no_url_of_a_database_is_refused_without_its_password(text):
    with pytest.raises(UserError, match=r"DATABASE_URL (is not a URL of PostgreSQL|must name a database)") as refused:
        database_url.parse(text)
    assert "secret" not in str(refused.value)


def test_the_certificate_of_a_server_is_checked_by_its_own_name():
    through = make_url(database_url.through("postgresql://u:p@db.example:5433/d?sslmode=verify-full", ("127.0.0.1", 9)))
    assert (through.host, through.port) == ("db.example", 9)
    assert dict(through.query) == {"sslmode": "verify-full", "hostaddr": "127.0.0.1"}
