"""Bad requests get a refusal of the right kind and status, without internals; nothing that is sent causes a 500."""

import json
from itertools import count

import pytest

from loadgen import dataset
from reference_app import openapi
from tests.reference_app.leaks import LEAK
from tests.reference_app.sign_in import STATISTICS, give_session

FRAMEWORKS = ("flask", "quart")

PATHS = json.loads(openapi.DESCRIPTION)["paths"]


def require_refusal(answer, status):
    """Fail unless the response is a refusal of the API: its status, an error, and nothing else."""
    assert (answer.status_code, answer.content_type) == (status, "application/json")
    assert list(answer.json) == ["success", "error"]
    assert answer.json["success"] is False
    assert not LEAK.search(answer.text)


@pytest.mark.parametrize("path", PATHS)
def test_other_methods_are_refused_and_the_allowed_ones_named(client, path):
    methods = {method.upper() for method in PATHS[path]}
    implied = {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} - methods:
        answer = client.open(path, method=method)
        assert (answer.status_code, set(answer.allow)) == (405, methods | implied)
        assert not LEAK.search(answer.text)
        if path.startswith("/api/"):
            require_refusal(answer, 405)


@pytest.mark.parametrize(
    "path", ["/api/", "/api/nothing", "/api/bags/search/", "/api/%00", "/api/%ff%fe", "/api/..%2f"]
)
def test_other_paths_of_the_api_are_refused(client, path):
    require_refusal(client.get(path), 404)


@pytest.mark.parametrize(
    "term",
    [
        "' OR 1=1 --",
        "'; DROP TABLE tracetrack.bag; --",
        "' UNION SELECT 1, username, password_hash, role, '', '' FROM \"user\" --",
        "%' AND pg_sleep(10) IS NULL --",
        "$$||version()||$$",
        "\\'; --",
        "{{ 7 * 7 }}",
    ],
)
def test_sql_in_a_search_term_is_searched_for(client, server, database, term):
    give_session(client)
    before = dataset.counts(server, database)
    answer = client.get("/api/bags/search", query_string={"q": term})
    assert (answer.status_code, answer.json["query"], answer.json["bags"]) == (200, term, [])
    assert dataset.counts(server, database) == before


@pytest.mark.parametrize(
    "query",
    [
        "q=M444%00",
        "q=M444&limit=1%00",
        "q=" + "x" * 60_000,
        "q=M444&limit=" + "9" * 60_000 + "x",
        "q=%ff%fe%fd",
        "q=M444%ff",
        "q=%ed%a0%80M444",
        "q=M444&other=%ff",
        "q=\xff\xfe\xfd",
        "q[]=M444",
    ],
    ids=count(),
)
def test_an_invalid_query_string_is_refused(client, query):
    give_session(client)
    require_refusal(client.get("/api/bags/search", environ_overrides={"QUERY_STRING": query}), 400)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0",
        b"\xff\xfe",
        b'{"qr_id": "\xff\xfe"}',
        b'{"qr_id": "M444-0000001\\u0000"}',
        b'{"qr_id": "M444\0"}',
        b'{"qr_id": "\\ud800"}',
        b'{"qr_id": "\xed\xa0\x80"}',
        b'{"qr_id": "M444-0000001", "parent_qr_id": "\\udfff"}',
        b'{"qr_id": "' + b"x" * 60_000 + b'"}',
        b'{"qr_id": ' + b"9" * 60_000 + b"}",
        b'{"qr_id": NaN}',
        b"[" * 60_000,
        b'{"qr_id": ' * 6_000,
        b'{"qr_id": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    ],
    ids=count(),
)
def test_an_invalid_scan_is_refused(client, body):
    give_session(client)
    headers = {"Idempotency-Key": "a key"}
    require_refusal(client.post("/api/scans", data=body, content_type="application/json", headers=headers), 400)


@pytest.mark.parametrize(
    "kind", [None, "", "text/plain", "text/json", "application/x-www-form-urlencoded", "\xff/\xfe"]
)
def test_a_body_of_another_content_type_is_refused(client, kind):
    give_session(client)
    headers = {"Idempotency-Key": "a key"}
    answer = client.post("/api/scans", data=b'{"qr_id": "M444-0000001"}', content_type=kind, headers=headers)
    require_refusal(answer, 415)


@pytest.mark.parametrize(
    "key", ["\0", "a\x7f", "\xff\xfe", "ключ".encode().decode("latin1"), "x" * 60_000], ids=count()
)
def test_an_invalid_idempotency_key_is_refused(client, key):
    give_session(client)
    answer = client.post("/api/scans", json={"qr_id": "M444-0000001"}, environ_overrides={"HTTP_IDEMPOTENCY_KEY": key})
    require_refusal(answer, 400)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"username=%00&password=%00", "application/x-www-form-urlencoded"),
        (b"username=user001%00&password=count+every+bag", "application/x-www-form-urlencoded"),
        (b"username=\xff\xfe&password=\xff", "application/x-www-form-urlencoded"),
        (b"username=%ff%fe&password=%ed%a0%80", "application/x-www-form-urlencoded"),
        (b"username=" + b"u" * 60_000 + b"&password=x", "application/x-www-form-urlencoded"),
        (b"username=user001&password=" + b"x" * 60_000, "application/x-www-form-urlencoded"),
        (b"username='+OR+1%3D1+--&password='+OR+1%3D1+--", "application/x-www-form-urlencoded"),
        (b"&" * 60_000, "application/x-www-form-urlencoded"),
        (b'{"username": "user001", "password": "count every bag"}', "application/json"),
        (b"username=user001&password=count+every+bag", "text/plain"),
        (b"--b\r\n\xff\xfe", "multipart/form-data; boundary=b"),
        (
            b"--b\r\nContent-Disposition: form-data; name=username\r\n\r\n\xff\xfe\r\n--b--",
            "multipart/form-data; boundary=b",
        ),
        (b"username=user001", "multipart/form-data"),
    ],
    ids=count(),
)
def test_an_invalid_login_form_gets_the_form_again(client, body, kind):
    answer = client.post("/login", data=body, content_type=kind)
    assert (answer.status_code, answer.mimetype) == (401, "text/html")
    assert "Unknown user name or wrong password." in answer.text
    assert not LEAK.search(answer.text)


@pytest.mark.parametrize(
    "cookie", ["", "\0", "\xff\xfe", "../../etc/passwd", '"a\\000b"', '"\\015\\012"', "x" * 60_000], ids=count()
)
def test_an_invalid_cookie_is_no_session(app, cookie):
    client = app.test_client(use_cookies=False)
    headers = {"HTTP_COOKIE": f"session={cookie}"}
    require_refusal(client.get(STATISTICS, environ_overrides=headers), 401)
    assert client.get("/", environ_overrides=headers).location == "/login"
    assert client.post("/logout", environ_overrides=headers).location == "/login"
