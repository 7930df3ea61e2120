"""A served application refuses requests that are too large or malformed, and serves the next one."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from reference_app.settings import Settings
from tests.brief_server import serve_briefly
from tests.reference_app.sign_in import STATISTICS, encoded_form

LOGIN = encoded_form()
LIMIT = 64 * 1024
PATIENCE_S = 20


@pytest.fixture(scope="module", params=["sync", "gthread", "gevent"])
def served(request, server, database, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    settings = Settings(
        database_url=server.url_of(database),
        secret_key="a key of the tests",
        session_directory=str(folder / "sessions"),
        server=request.param,
        threads=4,
        pool_size=2,
        password_hash="argon2id",
        login_throttle=False,
    )
    with serve_briefly(settings, folder / "gunicorn.log") as running:
        yield running


@pytest.fixture
def send_bytes(served):
    """Sends bytes over a new connection; the statuses of all responses until it is closed."""

    def send(*parts):
        address = urlsplit(served.url)
        with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S) as connection:
            with suppress(ConnectionError):  # it may be closed before all was sent
                connection.sendall(b"".join(parts))
            received = b""
            with suppress(ConnectionError):
                while chunk := connection.recv(65536):
                    received += chunk
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]

    logged_before = len(served.child.log.read_text())
    yield send
    assert "Traceback" not in served.child.log.read_text()[logged_before:]
    assert send(b"GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n") == [200]


def get(path=b"/login", *headers):
    return b"\r\n".join([b"GET %s HTTP/1.1" % path, b"Host: h", b"Connection: close", *headers, b"", b""])


def post(path, *headers, kind=b"application/x-www-form-urlencoded"):
    lines = [b"POST %s HTTP/1.1" % path, b"Host: h", b"Content-Type: " + kind, b"Connection: close", *headers, b"", b""]
    return b"\r\n".join(lines)


def sized(path, body, *headers, **more):
    return post(path, b"Content-Length: %d" % len(body), *headers, **more) + body


def chunked(path, body, *headers, end=b"0\r\n\r\n", **more):
    pieces = [body[at : at + 4096] for at in range(0, len(body), 4096)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return post(path, b"Transfer-Encoding: chunked", *headers, **more) + chunks + end


def form(size):
    """A valid login at the beginning of a form of so many bytes."""
    return (LOGIN + b"&rest=").ljust(size, b"x")


@pytest.mark.parametrize("size", [9_000, 900_000])
def test_a_header_that_is_too_long_is_refused(send_bytes, size):
    assert send_bytes(get(b"/login", b"X-Long: " + b"x" * size)) == [431]


def test_a_cookie_that_is_too_long_is_refused(send_bytes):
    assert send_bytes(get(STATISTICS.encode(), b"Cookie: session=" + b"x" * 9_000)) == [431]


@pytest.mark.parametrize("count", [101, 5_000])
def test_too_many_headers_are_refused(send_bytes, count):
    assert send_bytes(get(b"/login", *[b"X-Many: x"] * count)) == [431]


@pytest.mark.parametrize("size", [5_000, 500_000])
def test_a_request_line_that_is_too_long_is_refused(send_bytes, size):
    assert send_bytes(get(b"/login?" + b"x" * size)) == [414]


@pytest.mark.parametrize("send", [sized, chunked])
@pytest.mark.parametrize("more", [1, 200_000])
def test_a_form_that_is_too_long_is_refused_instead_of_cut_off(send_bytes, send, more):
    assert send_bytes(send(b"/login", form(LIMIT + more))) == [413]


@pytest.mark.parametrize("send", [sized, chunked])
def test_a_form_of_the_maximum_size_is_read(send_bytes, send):
    assert send_bytes(send(b"/login", form(LIMIT))) == [302]


@pytest.mark.parametrize("send", [sized, chunked])
def test_a_scan_that_is_too_long_is_refused(send_bytes, send, served, visit):
    visitor = visit(served).login()
    cookie = next(iter(visitor.cookies)).value.encode()
    scan = b'{"qr_id": "M444-0000001"}' + b" " * 200_000
    headers = [b"Cookie: session=" + cookie, b"Idempotency-Key: long"]
    assert send_bytes(send(b"/api/scans", scan, *headers, kind=b"application/json")) == [413]


@pytest.mark.parametrize("send", [sized, chunked])
def test_a_body_that_the_view_does_not_read_blocks_nothing(send_bytes, send):
    assert send_bytes(send(b"/logout", b"x" * 200_000)) == [302]
    assert send_bytes(send(b"/api/scans", b"x" * 200_000)) == [401]


@pytest.mark.parametrize("send", [sized, chunked])
def test_a_refused_body_is_not_taken_for_requests(send_bytes, send):
    body = b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n" * 4_000
    first = send(b"/login", body).replace(b"Connection: close\r\n", b"")
    # Some servers close the connection after a refusal, others continue with the next request.
    assert send_bytes(first, get(b"/login")) in ([413], [413, 200])


@pytest.mark.parametrize("end", [b"zz\r\n", b"-1\r\n", b"5\r\nabcdefgh\r\n0\r\n\r\n"])
def test_malformed_chunks_are_refused(send_bytes, end):
    assert send_bytes(chunked(b"/login", LOGIN, end=end)) == [400]


@pytest.mark.parametrize(
    "headers",
    [
        [b"Content-Length: -3"],
        [b"Content-Length: many"],
        [b"Content-Length: 3", b"Content-Length: 4"],
        [b"Content-Length: 3", b"Transfer-Encoding: chunked"],
        [b"X y: 1"],
        [b"X: a\0b"],
    ],
)
def test_malformed_headers_are_refused(send_bytes, headers):
    assert send_bytes(post(b"/login", *headers)) == [400]


def test_a_form_of_too_many_parts_is_refused(send_bytes):
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    body = part * 1_100 + b"--x--\r\n"
    assert len(body) < LIMIT
    assert send_bytes(sized(b"/login", body, kind=b"multipart/form-data; boundary=x")) == [413]


def test_of_several_logins_with_one_session_the_last_is_valid(served, visit):
    visitor, tokens = visit(served), []
    for number in range(1, 6):
        visitor.login(f"user00{number}")
        tokens.append(next(iter(visitor.cookies)).value)
    assert visitor.get(STATISTICS).json["user_context"]["username"] == "user005"
    assert len(set(tokens)) == 5
    assert [visitor_status_with(visit(served), token) for token in tokens] == [401] * 4 + [200]


def test_logins_at_once_with_one_session_get_separate_sessions(served, visit):
    first = visit(served).login()
    before = next(iter(first.cookies)).value

    def login(number):
        visitor = visit(served)
        assert visitor.post("/login", LOGIN, Cookie=f"session={before}").status == 302
        return next(iter(visitor.cookies)).value

    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(login, range(8)))
    assert len({before, *tokens}) == 9
    assert [visitor_status_with(visit(served), token) for token in tokens] == [200] * 8
    assert visitor_status_with(visit(served), before) == 401


def visitor_status_with(visitor, token):
    return visitor.get(STATISTICS, Cookie=f"session={token}").status
