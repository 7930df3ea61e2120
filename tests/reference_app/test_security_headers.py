"""The headers that restrict what a browser does with a response: on every one, whatever answers."""

import socket
from dataclasses import replace

import pytest

from reference_app.settings import Settings
from tests.brief_server import serve_briefly
from tests.reference_app.sign_in import STATISTICS, logged_in, try_login

FRAMEWORKS = ("flask", "quart")

EXPECTED = {
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def require_headers(headers):
    """Fail unless each header is there, once; `headers` are of Werkzeug or of the standard library."""
    pairs = [(name.title(), value) for name, value in headers.items()]
    for name, value in EXPECTED.items():
        assert [given for key, given in pairs if key == name.title()] == [value]


@pytest.mark.parametrize("path", ["/login", "/", STATISTICS, "/api/bags/search?q=M444", "/health", "/metrics"])
def test_every_page_and_answer_has_the_headers(app, path):
    for client in (app.test_client(), logged_in(app)):
        require_headers(client.get(path).headers)


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("GET", "/api/nothing", {}, 404),
        ("DELETE", "/login", {}, 405),
        ("POST", "/login", {"data": {"username": "u" * 70_000}}, 413),
        ("POST", "/login", {"headers": {"Sec-Fetch-Site": "cross-site"}}, 403),
        ("POST", "/api/scans", {}, 401),
        ("GET", "/api/bags/search?q=x", {}, 401),
        ("OPTIONS", "/login", {}, 200),
        ("HEAD", "/health", {}, 200),
    ],
)
def test_every_refusal_has_the_headers(client, method, path, more, status):
    answer = client.open(path, method=method, **more)
    assert answer.status_code == status
    require_headers(answer.headers)


def test_a_login_and_an_unavailable_service_have_the_headers(client, make_app, settings, server):
    answer = try_login(client)
    assert answer.status_code == 302
    require_headers(answer.headers)
    broken = make_app(replace(settings, database_url=server.url_of("no_such_database"))).test_client()
    assert broken.get("/health").status_code == 503
    require_headers(broken.get("/health").headers)


def test_an_error_of_the_program_has_the_headers(app, monkeypatch):
    monkeypatch.setitem(app.view_functions, "login.form", lambda: 1 / 0)
    app.logger.disabled = True
    answer = app.test_client().get("/login")
    assert answer.status_code == 500
    require_headers(answer.headers)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /<script> HTTP/9.9\r\nHost: x\r\n\r\n", 400),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n", 400),
        (b"GET /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200),
    ],
    ids=["no request", "version", "line", "header", "no header", "page"],
)
def test_what_the_server_refuses_by_itself_has_the_headers(served, request_bytes, status):
    head, body = sent(served, request_bytes)
    first, *lines = head.decode("latin-1").split("\r\n")
    assert first.split(" ")[1] == str(status)
    require_headers(dict(line.split(": ", 1) for line in lines))
    assert b"script" not in body


def test_no_header_of_a_request_changes_its_path(served):
    head, _ = sent(
        served,
        b"GET /login HTTP/1.1\r\nHost: x\r\nSCRIPT_NAME: /other\r\nPATH_INFO: /metrics\r\nREMOTE_USER: admin\r\n"
        b"Script-Name: /other\r\nPath-Info: /metrics\r\nConnection: close\r\n\r\n",
    )
    assert head.startswith(b"HTTP/1.1 200")
    assert b"text/html" in head


def sent(served, request_bytes):
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request_bytes)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    return head, body


@pytest.fixture(scope="module")
def served(server, database, tmp_path_factory):
    """One served application for the tests of this module."""
    folder = tmp_path_factory.mktemp("served")
    settings = Settings(
        database_url=server.application_url_of(database),
        secret_key="a key of the tests",
        sessions="cookie",
        pool_size=1,
    )
    with serve_briefly(settings, folder / "gunicorn.log") as running:
        yield running


def test_the_form_of_the_index_and_of_the_login_stay_within_the_policy(app):
    for page in (app.test_client().get("/login").text, logged_in(app).get("/").text):
        assert not any(tag in page for tag in ("<script", "<style", "<img", "<link", " style=", "http://", "https://"))
