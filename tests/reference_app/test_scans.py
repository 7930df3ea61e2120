"""Scans: each is stored once, whatever the retries, linked or refused, and never in part."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from loadgen.accounts import PASSWORD

FRAMEWORKS = ("flask", "quart")


@pytest.fixture(autouse=True)
def forget_scans(own_rows):
    """Let no framework find the scans of the other one."""
    own_rows("DELETE FROM tracetrack.scan WHERE idempotency_key IS NOT NULL")


@pytest.fixture
def scan(client, auth):
    auth.login()

    def send(key, qr_id="M444-0000001", **more):
        return client.post("/api/scans", json={"qr_id": qr_id, **more}, headers={"Idempotency-Key": key})

    return send


@pytest.fixture
def query_rows(server, database):
    """Executes a query over a connection of the test's own; its rows."""
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:

        def execute(query, *values):
            cursor.execute(query, values)
            return cursor.fetchall() if cursor.description else []

        yield execute


def stored(query_rows, key):
    return query_rows("SELECT id, bag_id, user_id, parent_id FROM tracetrack.scan WHERE idempotency_key = %s", key)


def test_a_scan_is_stored(scan, query_rows):
    answer = scan("one")
    assert answer.status_code == 201
    assert list(answer.json) == ["success", "scan"]
    assert list(answer.json["scan"]) == ["id", "qr_id", "parent_qr_id", "scanned_at"]
    ((number, bag, user, parent),) = stored(query_rows, "one")
    assert number == answer.json["scan"]["id"]
    assert query_rows("SELECT qr_id FROM tracetrack.bag WHERE id = %s", bag) == [("M444-0000001",)]
    assert (user, parent) == (1, None)


def test_a_retry_gets_the_same_answer_and_stores_nothing(scan, query_rows):
    first, second = scan("two"), scan("two")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json == second.json
    assert [answer.headers["Idempotency-Replayed"] for answer in (first, second)] == ["false", "true"]
    assert len(stored(query_rows, "two")) == 1


def test_a_key_with_other_content_is_refused(scan, query_rows):
    scan("three")
    answer = scan("three", "M444-0000002")
    assert (answer.status_code, answer.json["success"]) == (422, False)
    assert len(stored(query_rows, "three")) == 1


def test_two_users_may_have_the_same_key(app, scan, query_rows):
    scan("four")
    other = app.test_client()
    other.post("/login", data={"username": "user002", "password": PASSWORD})
    assert (
        other.post("/api/scans", json={"qr_id": "M444-0000001"}, headers={"Idempotency-Key": "four"}).headers[
            "Idempotency-Replayed"
        ]
        == "false"
    )
    assert len(stored(query_rows, "four")) == 2


def test_many_retries_at_once_store_one_scan(app, scan, query_rows):
    cookie = scan("warm").request.headers["Cookie"]

    def send(_):
        headers = {"Idempotency-Key": "at once", "Cookie": cookie}
        return app.test_client(use_cookies=False).post("/api/scans", json={"qr_id": "M444-0000003"}, headers=headers)

    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(send, range(24)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["scan"]["id"] for answer in answers}) == 1
    assert [answer.headers["Idempotency-Replayed"] for answer in answers].count("false") == 1
    assert len(stored(query_rows, "at once")) == 1


@pytest.fixture
def loose_child(query_rows):
    """A child without a parent."""
    query_rows("INSERT INTO tracetrack.bag (qr_id, type) VALUES ('LOOSE', 'child')")
    yield "LOOSE"
    query_rows("DELETE FROM tracetrack.scan WHERE bag_id = (SELECT id FROM tracetrack.bag WHERE qr_id = 'LOOSE')")
    query_rows("DELETE FROM tracetrack.link WHERE child_id = (SELECT id FROM tracetrack.bag WHERE qr_id = 'LOOSE')")
    query_rows("DELETE FROM tracetrack.bag WHERE qr_id = 'LOOSE'")


def parent_of(query_rows, qr_id):
    query = (
        "SELECT parent.qr_id, (SELECT qr_id FROM tracetrack.bag p WHERE p.id = bag.parent_id) FROM tracetrack.bag "
        "LEFT JOIN tracetrack.link ON child_id = bag.id LEFT JOIN tracetrack.bag parent ON parent.id = link.parent_id "
        "WHERE bag.qr_id = %s"
    )
    return query_rows(query, qr_id)[0]


def test_a_scan_links_a_child_to_its_parent(scan, query_rows, loose_child):
    answer = scan("five", loose_child, parent_qr_id="SB00001")
    assert (answer.status_code, answer.json["scan"]["parent_qr_id"]) == (201, "SB00001")
    assert parent_of(query_rows, loose_child) == ("SB00001", "SB00001")
    assert scan("five", loose_child, parent_qr_id="SB00001").headers["Idempotency-Replayed"] == "true"
    assert scan("six", loose_child, parent_qr_id="SB00001").status_code == 201


def test_a_child_has_one_parent(scan, query_rows, loose_child):
    scan("seven", loose_child, parent_qr_id="SB00001")
    answer = scan("eight", loose_child, parent_qr_id="SB00002")
    assert answer.status_code == 409
    assert parent_of(query_rows, loose_child) == ("SB00001", "SB00001")
    assert stored(query_rows, "eight") == []


def test_a_refused_key_leaves_no_link(scan, query_rows, loose_child):
    scan("nine")
    assert scan("nine", loose_child, parent_qr_id="SB00001").status_code == 422
    assert parent_of(query_rows, loose_child) == (None, None)


@pytest.mark.parametrize(
    ("qr_id", "more", "status"),
    [
        ("UNKNOWN", {}, 404),
        ("M444-0000001", {"parent_qr_id": "UNKNOWN"}, 404),
        ("SB00001", {"parent_qr_id": "SB00002"}, 422),
        ("M444-0000001", {"parent_qr_id": "M444-0000002"}, 422),
        ("", {}, 400),
        ("x" * 65, {}, 400),
        ("a\0b", {}, 400),
        ("\ud800", {}, 400),
        (5, {}, 400),
        (None, {}, 400),
        (["M444-0000001"], {}, 400),
        ("M444-0000001", {"parent_qr_id": 7}, 400),
    ],
)
def test_an_invalid_scan_is_refused(scan, query_rows, qr_id, more, status):
    answer = scan("refused", qr_id, **more)
    assert (answer.status_code, answer.json["success"]) == (status, False)
    assert stored(query_rows, "refused") == []


@pytest.mark.parametrize("key", ["", "x" * 101, "über"])
def test_an_invalid_key_is_refused(scan, key):
    assert scan(key).status_code == 400


def test_a_scan_without_a_key_is_refused(client, auth):
    auth.login()
    assert client.post("/api/scans", json={"qr_id": "M444-0000001"}).status_code == 400


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'"M444-0000001"', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"qr_id=M444-0000001", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b'{"qr_id": "' + b"x" * 70_000 + b'"}', "application/json", 413),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(client, auth, body, kind, status):
    auth.login()
    answer = client.post("/api/scans", data=body, content_type=kind, headers={"Idempotency-Key": "body"})
    assert (answer.status_code, answer.json["success"]) == (status, False)


def test_without_a_session_nothing_is_stored(client, query_rows):
    answer = client.post("/api/scans", json={"qr_id": "M444-0000001"}, headers={"Idempotency-Key": "stranger"})
    assert answer.status_code == 401
    assert stored(query_rows, "stranger") == []
