"""The description of the application is complete and exact: every documented response is given, and no other."""

import json
from contextlib import closing
from dataclasses import replace
from io import BytesIO

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

from loadgen import deployments, run_database
from loadgen.accounts import PASSWORD
from loadgen.services import free_port, upstream_server
from reference_app import openapi, scans, search, shipments, throttle
from tests.reference_app.leaks import LEAK
from tests.reference_app.sign_in import STATISTICS, form, give_session

DESCRIPTION = json.loads(openapi.DESCRIPTION)
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in DESCRIPTION["paths"].items()
    for method, operation in methods.items()
}
CARRIER_MS = 20
STATUSES = {(name, int(status)) for name, operation in OPERATIONS.items() for status in operation["responses"]}
# Half of the fuzzed values are values that the database has.
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
def hypothesis_directory(request):
    """Keep Hypothesis' tables of characters, which take seconds to compute, outside of the sources."""
    set_hypothesis_home_dir(request.config.cache.mkdir("hypothesis"))
    yield
    set_hypothesis_home_dir(None)


@pytest.fixture(scope="module")
def database(server, template):
    """A clone with argon2id hashes, for which a login takes a fifth of the time."""
    with run_database.clone(
        server, template, "tests", deployments.settings_for("as-measured", password_hash="argon2id")
    ) as name:
        yield name


@pytest.fixture(scope="module")
def carrier(tmp_path_factory):
    with upstream_server(CARRIER_MS, tmp_path_factory.mktemp("carrier") / "upstream.log") as started:
        yield started


@pytest.fixture
def settings(settings, carrier):
    return replace(settings, password_hash="argon2id", upstream_url=carrier.url)


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


def test_the_description_is_served(client):
    answer = client.get("/openapi.json")
    assert (answer.status_code, answer.content_type, answer.json) == (200, "application/json", DESCRIPTION)


def test_the_description_has_all_paths_and_methods(app):
    # Flask's own route is to a folder that does not exist; HEAD and OPTIONS come with every route.
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]
    described = str.maketrans("<>", "{}")  # how the description writes a parameter
    paths = [(rule.rule.translate(described), rule.methods - {"HEAD", "OPTIONS"}) for rule in rules]
    served = [f"{method} {path}" for path, methods in paths for method in methods]
    assert sorted(served) == sorted(OPERATIONS)


def test_the_limits_are_those_of_the_application():
    schemas = DESCRIPTION["components"]["schemas"]
    _, limit = OPERATIONS["GET /api/bags/search"]["parameters"]
    (key,) = OPERATIONS["POST /api/scans"]["parameters"]
    term, bags = schemas["Term"], schemas["SearchResult"]["properties"]["bags"]
    assert (term["minLength"], term["maxLength"]) == (search.MIN_TERM_LENGTH, search.MAX_TERM_LENGTH)
    assert limit["schema"] == {"type": "integer", "minimum": 1, "default": search.DEFAULT_LIMIT}
    assert bags["maxItems"] == search.MAX_LIMIT
    assert key["schema"]["maxLength"] == scans.MAX_KEY_LENGTH
    number, text = schemas["ShipmentId"], schemas["TrackedShipment"]["properties"]["shipment"]["properties"]["place"]
    assert all(shipments.SHIPMENT_ID.fullmatch("x" * number[name]) for name in ("minLength", "maxLength"))
    assert not shipments.SHIPMENT_ID.fullmatch("x" * (number["maxLength"] + 1))
    assert text["maxLength"] == shipments.MAX_TEXT_LENGTH
    assert schemas["QrId"]["maxLength"] == schemas["QrIdOrNull"]["maxLength"] == scans.MAX_ID_LENGTH


def test_operations_that_need_a_session_have_a_401():
    needed = [name for name, operation in OPERATIONS.items() if operation.get("security") == [{"session": []}]]
    assert {name for name, status in STATUSES if status == 401} == {*needed, "POST /login"}


def test_the_description_is_valid(description):
    description.validate()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_generated_request_gets_a_described_response(live_description, operation):
    """Send schemathesis' examples, its cases at the limits and random ones, with all of its checks.

    Not by its own `parametrize`: all its tests have one id for this pytest, and xdist runs only one of them.
    """
    statuses = set()

    def send(case):
        answer = case.call()
        statuses.add(answer.status_code)
        case.validate_response(answer, additional_checks=[nothing_leaks])

    config = HypothesisTestConfig(live_description.config, list(HypothesisTestMode), BOUNDS)
    create_test(operation=find(live_description, operation), test_func=send, config=config)()
    assert min(statuses) < 400


CREDENTIALS = form()
TERM = {"query_string": {"q": "M444"}}
TOO_LONG = "x" * 70_000
SHIPMENT = "GET /api/shipments/{shipment}"
OTHER_SITE = {"Sec-Fetch-Site": "cross-site"}


def a_scan(key="a key", qr_id="M444-0000001", **more):
    return {"json": {"qr_id": qr_id, **more}, "headers": {"Idempotency-Key": key}}


class LateBody:
    """A body that is not received."""

    def read(self, size):
        raise TimeoutError


def a_body(stream, kind="application/x-www-form-urlencoded"):
    """A request body as gunicorn provides it, announced with 100 bytes."""
    given = {"wsgi.input": stream, "wsgi.input_terminated": True, "CONTENT_LENGTH": "100"}
    return {"content_type": kind, "environ_overrides": given}


ANSWERS = {
    ("GET /login", 200): {},
    ("POST /login", 302): {"data": CREDENTIALS},
    ("POST /login", 400): a_body(BytesIO(b"username=user001")),
    ("POST /login", 401): {"data": {"username": "user001"}},
    ("POST /login", 403): {"data": CREDENTIALS, "headers": OTHER_SITE},
    ("POST /login", 408): a_body(LateBody()),
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
    ("POST /api/scans", 404): a_scan(qr_id="UNKNOWN"),
    ("POST /api/scans", 408): a_body(LateBody(), "application/json") | {"headers": {"Idempotency-Key": "a key"}},
    ("POST /api/scans", 409): a_scan(parent_qr_id="SB00002"),
    ("POST /api/scans", 413): a_scan(qr_id=TOO_LONG),
    ("POST /api/scans", 415): a_scan() | {"json": None, "data": "{}"},
    ("POST /api/scans", 422): a_scan(qr_id="SB00001", parent_qr_id="SB00002"),
    ("POST /api/scans", 503): a_scan(),
    (SHIPMENT, 200): {},
    (SHIPMENT, 400): {},
    (SHIPMENT, 401): {},
    (SHIPMENT, 404): {},
    (SHIPMENT, 503): {},
    (SHIPMENT, 504): {},
    ("GET /health", 200): {},
    ("GET /health", 503): {},
    ("GET /metrics", 200): {},
    ("GET /openapi.json", 200): {},
}
WITHOUT_SESSIONS = [("GET /", 503), ("POST /logout", 503)]
WITHOUT_LOGIN = [answer for answer in ANSWERS if answer[1] == 401] + [("GET /", 302)]


def test_every_described_response_has_its_test():
    assert set(ANSWERS) == STATUSES


@pytest.mark.parametrize(("operation", "status"), ANSWERS)
def test_every_described_response_is_given(description, make_app, settings, server, operation, status):
    if (operation, status) in WITHOUT_SESSIONS:
        settings = replace(settings, sessions="shared", redis_url=f"redis://127.0.0.1:{free_port()}")
    elif status == 503:
        settings = replace(settings, database_url=server.url_of("no_such_database"))
    elif status == 504:
        settings = replace(settings, upstream_timeout_ms=CARRIER_MS // 10)
    elif (operation, status) == (SHIPMENT, 404):
        settings = replace(settings, upstream_url="")
    client = make_app(replace(settings, login_throttle=status == 429)).test_client()
    if (operation, status) not in [*WITHOUT_LOGIN, *WITHOUT_SESSIONS]:
        give_session(client)
    if (operation, status) in WITHOUT_SESSIONS:
        client.set_cookie("session", "A" * 43)
    method, path = operation.format(shipment="TT_1" if status == 400 else "TT-1").split()
    for _ in range(throttle.BY_ACCOUNT.amount if status == 429 else 0):
        client.open(path, method=method, data=CREDENTIALS | {"password": "wrong"})
    answer = client.open(path, method=method, **ANSWERS[operation, status])
    assert answer.status_code == status
    parameters = {"shipment": "TT-1"} if "{" in operation else {}
    find(description, operation).Case(path_parameters=parameters).validate_response(answer, checks=CONFORMANCE)


@pytest.fixture
def hidden_bills(server, database):
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tracetrack.bill RENAME TO hidden")
        yield
        cursor.execute("ALTER TABLE tracetrack.hidden RENAME TO bill")


def test_statistics_with_missing_parts_are_described(description, client, hidden_bills):
    give_session(client)
    answer = client.get(STATISTICS)
    assert answer.json["unavailable"] == ["total_bills"]
    find(description, "GET /api/dashboard/stats").Case().validate_response(answer, checks=CONFORMANCE)
