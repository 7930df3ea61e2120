"""Each kind of server waits for a request body no longer than its deadline, also for one that trickles."""

import http.client
import socket
import time
from contextlib import ExitStack, closing
from urllib.parse import urlsplit

import pytest

from reference_app.settings import Settings
from tests.brief_server import serve_briefly

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
    with serve_briefly(settings, folder / "gunicorn.log") as running:
        yield running


@pytest.fixture
def start_login(served):
    """Opens a connection and sends the header of a login, with the given bytes after it."""
    with ExitStack() as stack:

        def start(framing, *more):
            address = urlsplit(served.url)
            connection = socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S)
            lines = [b"POST /login HTTP/1.1", b"Host: h", b"Content-Type: application/x-www-form-urlencoded", framing]
            connection.sendall(b"\r\n".join([*lines, b"", b"".join(more)]))
            return stack.enter_context(closing(connection))

        yield start


def status(connection):
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status


@pytest.mark.parametrize("sent", [(SIZED, b""), (SIZED, BODY[:10]), (CHUNKED, b"64\r\n" + BODY[:10]), (CHUNKED, b"6")])
def test_half_a_body_is_refused_at_the_deadline(start_login, sent):
    connection = start_login(*sent)
    started_s = time.monotonic()
    assert status(connection) == 408
    assert LIMIT_S - 0.2 < time.monotonic() - started_s < LIMIT_S + 2
    assert connection.recv(1) == b""


@pytest.mark.parametrize(("framing", "piece"), [(SIZED, b"x"), (CHUNKED, b"1\r\nx\r\n")])
def test_a_body_that_trickles_gets_no_more_time(start_login, framing, piece):
    connection = start_login(framing)
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
def test_other_clients_are_served_after_the_deadline(start_login, served, visit):
    """Two slow clients block both threads."""
    slow = [start_login(SIZED, BODY[:10]) for _ in range(2)]
    time.sleep(0.3)
    started_s = time.monotonic()
    assert visit(served).get("/login").status == 200
    assert time.monotonic() - started_s < LIMIT_S + 2
    assert [status(connection) for connection in slow] == [408, 408]


def test_a_body_that_ends_early_is_refused(start_login):
    connection = start_login(SIZED, BODY[:10])
    connection.shutdown(socket.SHUT_WR)
    assert status(connection) == 400


@pytest.mark.parametrize("served", ["gthread", "gevent"], indirect=True)
@pytest.mark.parametrize(
    ("framing", "pieces"),
    [(SIZED, [BODY[:10], BODY[10:]]), (CHUNKED, [b"64\r\n" + BODY[:10], BODY[10:] + b"\r\n0\r\n\r\n"])],
)
def test_a_connection_whose_body_arrived_in_time_stays_open(start_login, framing, pieces):
    """It stays open for longer than a body may take."""
    connection = start_login(framing)
    for piece in pieces:
        time.sleep(LIMIT_S / 4)
        connection.sendall(piece)
    assert status(connection) == 401
    time.sleep(LIMIT_S + 0.5)
    connection.sendall(b"GET /login HTTP/1.1\r\nHost: h\r\n\r\n")
    assert status(connection) == 200
