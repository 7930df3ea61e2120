"""The description is exact, and nothing that is sent breaks the application."""

import json
import re
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from itertools import count

import hypothesis
import pytest
import schemathesis
from hypothesis.configuration import set_hypothesis_home_dir
from schemathesis.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test

from loadgen import dataset, deployments
from loadgen.accounts import PASSWORD
from loadgen.services import free_port
from reference_app import openapi, scans, search, throttle
from workbench.paths import REPOSITORY

DESCRIPTION = json.loads(openapi.DESCRIPTION)
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in DESCRIPTION["paths"].items()
    for method, operation in methods.items()
}
STATUSES = {(name, int(status)) for name, operation in OPERATIONS.items() for status in operation["responses"]}
LEAK = re.compile(
    "Traceback|psycopg2|sqlalchemy|werkzeug|site-packages|postgresql|FROM tracetrack|INSERT INTO"
    rf"|scrypt:|\$argon2|\.py\b|{re.escape(str(REPOSITORY))}"
)

# Half of the fuzzed values are such as the database knows.
KNOWN = {
    "body.username": ["user001", "user002"],
    "body.password": [PASSWORD],
    "body.qr_id": ["M444-0000001", "M444-0000002", "SB00001"],
    "body.parent_qr_id": ["SB00001", "SB00002"],
    "header.Idempotency-Key": ["one", "two", "three"],
}
CONFIG = {
    "dictionaries": {name.replace(".", "-"): {"values": values} for name, values in KNOWN.items()},
    "parameters": {name: {"dictionary": name.replace(".", "-"), "probability": 0.5} for name in KNOWN},
    # A scan as described can still contradict what is stored.
    "operations": [
        {
            "include-path": "/api/scans",
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ["201", "404", "409", "422"]},
                "negative_data_rejection": {"expected-statuses": ["400", "401", "405", "415"]},
            },
        }
    ],
}
BOUNDS = hypothesis.settings(max_examples=15, derandomize=True, deadline=None, database=None)


def nothing_leaks(context, answer, case):
    assert not LEAK.search(answer.text)


CONFORMANCE = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    nothing_leaks,
]


@pytest.fixture(scope="module", autouse=True)
def home_of_hypothesis(request):
    """Hypothesis keeps tables of characters, which take seconds to make; not among the sources, though."""
    set_hypothesis_home_dir(request.config.cache.mkdir("hypothesis"))
    yield
    set_hypothesis_home_dir(None)


@pytest.fixture(scope="module")
def database(server, template):
    """Hashed by argon2id, which lets a login take a fifth of the time."""
    with dataset.clone(server, template, "tests", deployments.find("as-measured", password_hash="argon2id")) as name:
        yield name


@pytest.fixture
def settings(settings):
    return replace(settings, password_hash="argon2id")


@pytest.fixture(scope="module")
def description():
    return schemathesis.openapi.from_dict(DESCRIPTION)


@pytest.fixture
def live_description(app, client, auth):
    """The description as schemathesis reads it from the application; its calls carry a session."""
    loaded = schemathesis.openapi.from_wsgi("/openapi.json", app, config=SchemathesisConfig.from_dict(CONFIG))
    auth.login()

    @loaded.auth()
    class Session:
        def get(self, case, context):
            return client.get_cookie("session").value

        def set(self, case, session, context):
            case.cookies["session"] = session

    return loaded


def find(description, operation):
    method, path = operation.split()
    return description[path][method]


def log_in(client):
    """A session without the cost of a password."""
    with client.session_transaction() as session:
        session["user"] = {"id": 1, "username": "user001", "role": "admin"}


def test_it_is_served(client):
    answer = client.get("/openapi.json")
    assert (answer.status_code, answer.content_type, answer.json) == (200, "application/json", DESCRIPTION)


def test_it_names_the_paths_and_methods_of_the_application(app):
    # Flask's own route is to a folder that there is not; HEAD and OPTIONS come with every route.
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]
    served = [f"{method} {rule.rule}" for rule in rules for method in rule.methods - {"HEAD", "OPTIONS"}]
    assert sorted(served) == sorted(OPERATIONS)


def test_its_limits_are_those_of_the_application():
    schemas = DESCRIPTION["components"]["schemas"]
    _, limit = OPERATIONS["GET /api/bags/search"]["parameters"]
    (key,) = OPERATIONS["POST /api/scans"]["parameters"]
    term, bags = schemas["Term"], schemas["Found"]["properties"]["bags"]
    assert (term["minLength"], term["maxLength"]) == (search.SHORTEST_TERM, search.LONGEST_TERM)
    assert limit["schema"] == {"type": "integer", "minimum": 1, "default": search.USUAL_LIMIT}
    assert bags["maxItems"] == search.HIGHEST_LIMIT
    assert key["schema"]["maxLength"] == scans.LONGEST_KEY
    assert schemas["QrId"]["maxLength"] == schemas["QrIdOrNull"]["maxLength"] == scans.LONGEST_ID


def test_a_session_is_needed_where_a_stranger_gets_401():
    needed = [name for name, operation in OPERATIONS.items() if operation.get("security") == [{"session": []}]]
    assert {name for name, status in STATUSES if status == 401} == {*needed, "POST /login"}


def test_it_is_valid(description):
    description.validate()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_whatever_is_sent_is_answered_as_described(live_description, operation):
    """schemathesis' examples, its cases at the limits, and random ones; all of its checks.

    Not by its own `parametrize`: to this pytest all tests of that have one id, and xdist runs one of them.
    """
    statuses = set()

    def send(case):
        answer = case.call()
        statuses.add(answer.status_code)
        case.validate_response(answer, additional_checks=[nothing_leaks])

    config = HypothesisTestConfig(live_description.config, list(HypothesisTestMode), BOUNDS)
    create_test(operation=find(live_description, operation), test_func=send, config=config)()
    assert min(statuses) < 400


CREDENTIALS = {"username": "user001", "password": PASSWORD}
TERM = {"query_string": {"q": "M444"}}
TOO_LONG = "x" * 70_000
OTHER_SITE = {"Sec-Fetch-Site": "cross-site"}


def a_scan(key="a key", qr_id="M444-0000001", **more):
    return {"json": {"qr_id": qr_id, **more}, "headers": {"Idempotency-Key": key}}


class Late:
    """A body that does not come."""

    def read(self, size):
        raise TimeoutError


def a_body(stream, kind="application/x-www-form-urlencoded"):
    """As gunicorn gives it, said to be of 100 bytes."""
    given = {"wsgi.input": stream, "wsgi.input_terminated": True, "CONTENT_LENGTH": "100"}
    return {"content_type": kind, "environ_overrides": given}


ANSWERS = {
    ("GET /login", 200): {},
    ("POST /login", 302): {"data": CREDENTIALS},
    ("POST /login", 400): a_body(BytesIO(b"username=user001")),
    ("POST /login", 401): {"data": {"username": "user001"}},
    ("POST /login", 403): {"data": CREDENTIALS, "headers": OTHER_SITE},
    ("POST /login", 408): a_body(Late()),
    ("POST /login", 413): {"data": {"username": TOO_LONG}},
    ("POST /login", 429): {"data": CREDENTIALS},
    ("POST /login", 503): {"data": CREDENTIALS},
    ("POST /logout", 302): {},
    ("POST /logout", 403): {"headers": OTHER_SITE},
    ("POST /logout", 503): {},
    ("GET /", 200): {},
    ("GET /", 302): {},
    ("GET /", 503): {},
    ("GET /api/dashboard/stats", 200): {},
    ("GET /api/dashboard/stats", 401): {},
    ("GET /api/dashboard/stats", 503): {},
    ("GET /api/bags/search", 200): TERM,
    ("GET /api/bags/search", 400): {},
    ("GET /api/bags/search", 401): TERM,
    ("GET /api/bags/search", 503): TERM,
    ("POST /api/scans", 201): a_scan(),
    ("POST /api/scans", 400): a_scan(key=""),
    ("POST /api/scans", 401): a_scan(),
    ("POST /api/scans", 403): {"json": {}, "headers": OTHER_SITE},
    ("POST /api/scans", 404): a_scan(qr_id="NOBODY"),
    ("POST /api/scans", 408): a_body(Late(), "application/json") | {"headers": {"Idempotency-Key": "a key"}},
    ("POST /api/scans", 409): a_scan(parent_qr_id="SB00002"),
    ("POST /api/scans", 413): a_scan(qr_id=TOO_LONG),
    ("POST /api/scans", 415): a_scan() | {"json": None, "data": "{}"},
    ("POST /api/scans", 422): a_scan(qr_id="SB00001", parent_qr_id="SB00002"),
    ("POST /api/scans", 503): a_scan(),
    ("GET /health", 200): {},
    ("GET /health", 503): {},
    ("GET /metrics", 200): {},
    ("GET /openapi.json", 200): {},
}
WITHOUT_SESSIONS = [("GET /", 503), ("POST /logout", 503)]
STRANGER = [answer for answer in ANSWERS if answer[1] == 401] + [("GET /", 302)]


def test_every_described_answer_has_its_test():
    assert set(ANSWERS) == STATUSES


@pytest.mark.parametrize(("operation", "status"), ANSWERS)
def test_every_described_answer_is_given(description, make_app, settings, server, operation, status):
    if (operation, status) in WITHOUT_SESSIONS:
        settings = replace(settings, sessions="shared", redis_url=f"redis://127.0.0.1:{free_port()}")
    elif status == 503:
        settings = replace(settings, database_url=server.url_of("no_such_database"))
    client = make_app(replace(settings, login_throttle=status == 429)).test_client()
    if (operation, status) not in [*STRANGER, *WITHOUT_SESSIONS]:
        log_in(client)
    if (operation, status) in WITHOUT_SESSIONS:
        client.set_cookie("session", "A" * 43)
    method, path = operation.split()
    for _ in range(throttle.BY_ACCOUNT.amount if status == 429 else 0):
        client.open(path, method=method, data=CREDENTIALS | {"password": "wrong"})
    answer = client.open(path, method=method, **ANSWERS[operation, status])
    assert answer.status_code == status
    find(description, operation).Case().validate_response(answer, checks=CONFORMANCE)


@pytest.fixture
def lost_bills(server, database):
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tracetrack.bill RENAME TO lost")
        yield
        cursor.execute("ALTER TABLE tracetrack.lost RENAME TO bill")


def test_statistics_that_miss_something_are_described(description, client, lost_bills):
    log_in(client)
    answer = client.get("/api/dashboard/stats")
    assert answer.json["unavailable"] == ["total_bills"]
    find(description, "GET /api/dashboard/stats").Case().validate_response(answer, checks=CONFORMANCE)


def refused(answer, status):
    """As the API refuses: the status, the error's shape, and nothing else told."""
    assert (answer.status_code, answer.content_type) == (status, "application/json")
    assert list(answer.json) == ["success", "error"]
    assert answer.json["success"] is False
    assert not LEAK.search(answer.text)


@pytest.mark.parametrize("path", DESCRIPTION["paths"])
def test_other_methods_are_refused_and_the_right_ones_named(client, path):
    methods = {method.upper() for method in DESCRIPTION["paths"][path]}
    implied = {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} - methods:
        answer = client.open(path, method=method)
        assert (answer.status_code, set(answer.allow)) == (405, methods | implied)
        assert not LEAK.search(answer.text)
        if path.startswith("/api/"):
            refused(answer, 405)


@pytest.mark.parametrize(
    "path", ["/api/", "/api/nothing", "/api/bags/search/", "/api/%00", "/api/%ff%fe", "/api/..%2f"]
)
def test_other_paths_of_the_api_are_refused(client, path):
    refused(client.get(path), 404)


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
def test_sql_in_the_search_box_is_searched_for(client, server, database, term):
    log_in(client)
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
def test_a_query_string_that_is_no_question_is_refused(client, query):
    log_in(client)
    refused(client.get("/api/bags/search", environ_overrides={"QUERY_STRING": query}), 400)


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
def test_a_body_that_is_no_scan_is_refused(client, body):
    log_in(client)
    headers = {"Idempotency-Key": "a key"}
    refused(client.post("/api/scans", data=body, content_type="application/json", headers=headers), 400)


@pytest.mark.parametrize(
    "kind", [None, "", "text/plain", "text/json", "application/x-www-form-urlencoded", "\xff/\xfe"]
)
def test_a_body_of_another_kind_is_refused(client, kind):
    log_in(client)
    headers = {"Idempotency-Key": "a key"}
    answer = client.post("/api/scans", data=b'{"qr_id": "M444-0000001"}', content_type=kind, headers=headers)
    refused(answer, 415)


@pytest.mark.parametrize(
    "key", ["\0", "a\x7f", "\xff\xfe", "ключ".encode().decode("latin1"), "x" * 60_000], ids=count()
)
def test_a_key_that_is_no_key_is_refused(client, key):
    log_in(client)
    answer = client.post("/api/scans", json={"qr_id": "M444-0000001"}, environ_overrides={"HTTP_IDEMPOTENCY_KEY": key})
    refused(answer, 400)


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
def test_a_form_that_is_no_login_gets_the_form_again(client, body, kind):
    answer = client.post("/login", data=body, content_type=kind)
    assert (answer.status_code, answer.mimetype) == (401, "text/html")
    assert "Unknown user name or wrong password." in answer.text
    assert not LEAK.search(answer.text)


@pytest.mark.parametrize(
    "cookie", ["", "\0", "\xff\xfe", "../../etc/passwd", '"a\\000b"', '"\\015\\012"', "x" * 60_000], ids=count()
)
def test_a_cookie_that_is_no_session_is_none(app, cookie):
    client = app.test_client(use_cookies=False)
    headers = {"HTTP_COOKIE": f"session={cookie}"}
    refused(client.get("/api/dashboard/stats", environ_overrides=headers), 401)
    assert client.get("/", environ_overrides=headers).location == "/login"
    assert client.post("/logout", environ_overrides=headers).location == "/login"
