"""A body that does not come, or only bit by bit, is waited for only so long, whatever the server."""

import http.client
import socket
import time
from contextlib import ExitStack, closing
from urllib.parse import urlsplit

import pytest

from loadgen.application import serve as serve_application
from reference_app.settings import Settings

LIMIT_S = 1.0
PATIENCE_S = 20
BODY = b"username=nobody&password=" + b"x" * 75
SIZED = b"Content-Length: 100"
CHUNKED = b"Transfer-Encoding: chunked"


@pytest.fixture(scope="module", params=["sync", "gthread", "gevent"])
def served(request, server, database, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    settings = Settings(
        database_url=server.url_of(database),
        secret_key="a key of the tests",
        sessions="cookie",
        server=request.param,
        threads=2,
        deadlines=True,
        body_timeout_s=LIMIT_S,
        pool_size=2,
        password_hash="argon2id",
        login_throttle=False,
    )
    with serve_application(settings, folder / "gunicorn.log") as running:
        yield running


@pytest.fixture
def begin(served):
    """Connections on each of which a login was begun: its header, and what else is said."""
    with ExitStack() as stack:

        def begun(framing, *more):
            address = urlsplit(served.url)
            connection = socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S)
            lines = [b"POST /login HTTP/1.1", b"Host: h", b"Content-Type: application/x-www-form-urlencoded", framing]
            connection.sendall(b"\r\n".join([*lines, b"", b"".join(more)]))
            return stack.enter_context(closing(connection))

        yield begun


def status(connection):
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status


@pytest.mark.parametrize(
    "beginning", [(SIZED, b""), (SIZED, BODY[:10]), (CHUNKED, b"64\r\n" + BODY[:10]), (CHUNKED, b"6")]
)
def test_half_a_body_is_answered_in_time(begin, beginning):
    connection = begin(*beginning)
    started_s = time.monotonic()
    assert status(connection) == 408
    assert LIMIT_S - 0.2 < time.monotonic() - started_s < LIMIT_S + 2
    assert connection.recv(1) == b""


@pytest.mark.parametrize(("framing", "piece"), [(SIZED, b"x"), (CHUNKED, b"1\r\nx\r\n")])
def test_a_body_that_trickles_is_given_no_more_time(begin, framing, piece):
    connection = begin(framing)
    started_s = time.monotonic()
    connection.settimeout(0.2)
    while time.monotonic() < started_s + PATIENCE_S:
        try:
            connection.recv(1, socket.MSG_PEEK)
            break
        except TimeoutError:
            connection.sendall(piece)
    assert status(connection) == 408
    assert time.monotonic() - started_s < LIMIT_S + 2


@pytest.mark.parametrize("served", ["gthread"], indirect=True)
def test_others_are_served_after_the_limit(begin, served, visit):
    """Two threads are held by two clients."""
    held = [begin(SIZED, BODY[:10]) for _ in range(2)]
    time.sleep(0.3)
    started_s = time.monotonic()
    assert visit(served).get("/login").status == 200
    assert time.monotonic() - started_s < LIMIT_S + 2
    assert [status(connection) for connection in held] == [408, 408]


def test_a_body_that_ends_early_is_refused(begin):
    connection = begin(SIZED, BODY[:10])
    connection.shutdown(socket.SHUT_WR)
    assert status(connection) == 400


@pytest.mark.parametrize("served", ["gthread", "gevent"], indirect=True)
@pytest.mark.parametrize(
    ("framing", "pieces"),
    [(SIZED, [BODY[:10], BODY[10:]]), (CHUNKED, [b"64\r\n" + BODY[:10], BODY[10:] + b"\r\n0\r\n\r\n"])],
)
def test_a_connection_of_which_a_body_came_in_time_is_kept(begin, framing, pieces):
    """For longer than a body may take."""
    connection = begin(framing)
    for piece in pieces:
        time.sleep(LIMIT_S / 4)
        connection.sendall(piece)
    assert status(connection) == 401
    time.sleep(LIMIT_S + 0.5)
    connection.sendall(b"GET /login HTTP/1.1\r\nHost: h\r\n\r\n")
    assert status(connection) == 200
