"""The requests that an OpenAPI document gives: what is sent as it is, and what has to be filled in first."""

import pytest
import yaml

from loadgen.app_draft import openapi_operations
from loadgen.app_draft.draft_request import MAX_REQUESTS, Body, Variable
from loadgen.app_draft.openapi_document import OpenApiDocument
from tests.loadgen.app_draft.documents import get, openapi, parameter, write
from workbench.paths import REPOSITORY


@pytest.fixture
def draft_of(tmp_path):
    """The draft of a document with these paths."""

    def make(paths, **more):
        return openapi_operations.draft(OpenApiDocument.read(write(tmp_path, openapi(paths, **more))))

    return make


def urls(request):
    """The addresses of a request, variables by their name in `<>`."""
    return ["".join(part if isinstance(part, str) else f"<{part.name}>" for part in url) for url in request.urls]


VALUES = {
    "an example": (parameter("q", example="a b"), ["/s?q=a%20b"]),
    "examples": (parameter("q", examples={"x": {"value": "1"}, "y": {"value": "2"}}), ["/s?q=1"]),
    "a default of a required one": (parameter("q", required=True, schema={"default": 7}), ["/s?q=7"]),
    "an enumeration": (parameter("q", required=True, schema={"enum": ["a", "b"]}), ["/s?q=a", "/s?q=b"]),
    "a constant": (parameter("q", required=True, schema={"const": "c"}), ["/s?q=c"]),
    "examples of the schema": (parameter("q", required=True, schema={"examples": ["e", "f"]}), ["/s?q=e"]),
    "a part of the schema": (
        parameter("q", required=True, schema={"allOf": [{"type": "string"}, {"default": 1}]}),
        ["/s?q=1"],
    ),
    "true": (parameter("q", example=True), ["/s?q=true"]),
    "a list": (parameter("q", example=["a", "b&c"]), ["/s?q=a&q=b%26c"]),
    "a joined list": (parameter("q", example=["a", "b"], explode=False), ["/s?q=a,b"]),
    "a name of its own": (parameter("a b[]", example="ä\n"), ["/s?a%20b[]=%C3%A4%0A"]),
    "a lone surrogate": (parameter("q", example="\ud800"), ["/s?q=%3F"]),
    "none that is needed": (parameter("q", schema={"default": 7}), ["/s"]),
    "a secret name": (parameter("api_key", example="short"), ["/s?api_key=<APP_API_KEY>"]),
    "a secret value": (parameter("q", example="sk_test_4eC39HqLyjWDarjtT1zdp7dc"), ["/s?q=<APP_Q>"]),
}


@pytest.mark.parametrize(("described", "expected"), VALUES.values(), ids=VALUES)
def test_value_of_a_parameter_is_that_of_the_document(draft_of, described, expected):
    (request,) = draft_of({"/s": {"get": get(described)}}).requests
    assert (urls(request), request.gaps) == (expected, ())


MISSING = {
    "a query": (parameter("q", required=True, schema={"type": "string"}), "q (query)"),
    "an object": (parameter("q", required=True, example={"a": 1}), "q (query)"),
    "a header": (parameter("X-A", "header", required=True), "X-A (header)"),
    "a header of two lines": (parameter("X-A", "header", required=True, example="a\r\nX-B: c"), "X-A (header)"),
    "a path": (parameter("id", "path"), "id (path)"),
}


@pytest.mark.parametrize(("described", "named"), MISSING.values(), ids=MISSING)
def test_parameter_without_a_value_is_a_gap(draft_of, described, named):
    (request,) = draft_of(
        {"/s/{id}": {"get": get(described, *([parameter("id", "path", example=1)] * (named != "id (path)")))}}
    ).requests
    assert [gap for gap in request.gaps if f"Its parameter {named} has no example" in gap] == list(request.gaps)
    assert request.gaps


def test_path_has_the_values_of_its_placeholders_and_a_name_without_them(draft_of):
    described = get(parameter("id", "path", example="a/b"), parameter("day", "path", schema={"enum": ["mo", "tu"]}))
    (request,) = draft_of({"/posts/{id}/{day}": {"get": described}}).requests
    assert (request.name, urls(request)) == ("/posts/[id]/[day]", ["/posts/a%2Fb/mo", "/posts/a%2Fb/tu"])


def test_parameters_of_a_path_hold_for_its_operations_which_may_replace_them(draft_of):
    item = {"parameters": [parameter("q", example=1), parameter("r", example=2)], "get": get(parameter("q", example=3))}
    (request,) = draft_of({"/s": item}).requests
    assert urls(request) == ["/s?q=3&r=2"]


def test_headers_and_cookies_are_one_header_each(draft_of):
    described = get(
        parameter("X-Kind", "header", example="full"), parameter("Accept", "header", example="a/b"),
        parameter("theme", "cookie", example="dark"), parameter("sid", "cookie", required=True),
    )  # fmt: skip
    (request,) = draft_of({"/s": {"get": described}}).requests
    (kind, cookie) = request.headers
    assert kind == ("X-Kind", ("full",))
    assert cookie == ("Cookie", ("theme=dark; sid=", Variable("APP_SID", "the parameter sid (cookie)")))


def test_success_is_what_the_document_describes(draft_of):
    json = {"application/json": {}}
    paths = {
        "/json": {"get": get(responses={"200": {"content": json}, "404": {}})},
        "/either": {"get": get(responses={"200": {"content": {**json, "text/html": {}}}, "302": {}})},
        "/default": {"get": get(responses={"200": {"content": json}, "default": {"content": json}})},
        "/other": {"get": get(responses={"2XX": {"content": json}})},
        "/nothing": {"get": get(responses={})},
    }
    rules = {request.name: request.success for request in draft_of(paths).requests}
    assert rules == {
        "/json": {"status": [200], "content_type": "application/json"},
        "/either": {"status": [200, 302]},
        "/default": {"content_type": "application/json"},
        "/other": {"content_type": "application/json"},
        "/nothing": {},
    }


SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic"},
    "key": {"type": "apiKey", "in": "query", "name": "key"},
    "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "session": {"type": "apiKey", "in": "cookie", "name": "session"},
    "oauth": {"type": "oauth2", "flows": {}},
    "tls": {"type": "mutualTLS"},
}


@pytest.mark.parametrize(
    ("security", "headers", "url"),
    [
        ([{"bearer": []}], [("Authorization", "Bearer <APP_TOKEN>")], "/s"),
        ([{"oauth": []}], [("Authorization", "Bearer <APP_TOKEN>")], "/s"),
        ([{"basic": []}], [("Authorization", "Basic <APP_BASIC_CREDENTIALS>")], "/s"),
        ([{"tls": []}, {"key": []}], [], "/s?key=<APP_KEY>"),
        ([{"header": [], "session": []}], [("X-Api-Key", "<APP_X_API_KEY>"), ("Cookie", "session=<APP_SESSION>")],
         "/s"),
        ([{"bearer": []}, {}], [], "/s"),
        ([], [], "/s"),
    ],
)  # fmt: skip
def test_credential_comes_from_the_environment(draft_of, security, headers, url):
    document = {"/s": {"get": get(security=security)}}
    (request,) = draft_of(document, components={"securitySchemes": SCHEMES}, security=[{"bearer": []}]).requests
    assert [(name, *urls(type("", (), {"urls": [text]}))) for name, text in request.headers] == headers
    assert (urls(request), request.gaps) == ([url], ())


def test_credential_that_cannot_be_sent_is_a_gap(draft_of):
    (request,) = draft_of(
        {"/s": {"get": get(security=[{"tls": []}])}}, components={"securitySchemes": SCHEMES}
    ).requests
    assert request.gaps == (
        "It needs a credential that is neither a header, a query nor a cookie: write how it is sent.",
    )


def body(schema, kind="application/json"):
    return {"requestBody": {"content": {kind: schema}}, "responses": {}}


NODE = {"type": "object", "required": ["child"], "properties": {"child": {"$ref": "#/components/schemas/Node"}}}
BODIES = {
    "an example": ({"example": {"title": "A", "token": "x"}}, {"title": "A", "token": "<APP_TOKEN>"}, 0),
    "of its properties": (
        {"schema": {"required": ["a", "b"], "properties": {"a": {"default": 1}, "b": {"items": {"const": "x"},
         "type": "array"},
                                                            "c": {"default": 2}}}},
        {"a": 1, "b": ["x"]}, 0,
    ),
    "without a value": ({"schema": {"required": ["a"], "properties": {"a": {"type": "string"}}}}, {"a": None}, 1),
    "of several schemas": (
        {"schema": {"allOf": [{"required": ["a"], "properties": {"a": {"enum": [1, 2]}}},
                              {"required": ["b"], "properties": {"b": {"default": True}}}]}}, {"a": 1, "b": True}, 0,
    ),
    "of an alternative": ({"schema": {"oneOf": [{"properties": {}}, {"default": 1}]}}, 1, 0),
    "of a password": (
        {"schema": {"required": ["username", "password"], "properties": {"username": {"type": "string"},
         "password": {}}}},
        {"username": "<APP_USERNAME>", "password": "<APP_PASSWORD>"}, 0,
    ),
    "without a schema": ({}, None, 1),
    "of itself": ({"schema": {"$ref": "#/components/schemas/Node"}}, None, 1),
}  # fmt: skip


def plain(content):
    if isinstance(content, dict):
        return {name: plain(value) for name, value in content.items()}
    return f"<{content.name}>" if isinstance(content, Variable) else content


@pytest.mark.parametrize(("media", "content", "gaps"), BODIES.values(), ids=BODIES)
def test_body_is_that_of_the_document_without_its_secrets(draft_of, media, content, gaps):
    (request,) = draft_of({"/s": {"post": body(media)}}, components={"schemas": {"Node": NODE}}).requests
    assert plain(request.body.content if request.body else None) == content
    assert len(request.gaps) == gaps


def test_body_of_another_kind_is_a_gap(draft_of):
    (request,) = draft_of({"/s": {"post": body({}, "multipart/form-data")}}).requests
    assert request.gaps == ("Its body is neither JSON nor a plain form: write it.",)


def test_form_of_nested_values_is_a_gap(draft_of):
    (request,) = draft_of({"/s": {"post": body({"example": {"a": [1]}}, "application/x-www-form-urlencoded")}}).requests
    assert (request.body, request.gaps) == (None, ("Its form has no example: write it.",))


def test_sign_out_and_streams_are_gaps(draft_of):
    paths = {
        "/logout": {"get": get()},
        "/events": {"get": get(responses={"200": {"content": {"text/event-stream": {}}}})},
    }
    gaps = [request.gaps for request in draft_of(paths).requests]
    assert gaps == [
        ("It ends the session, after which other requests fail.",),
        ("Its response is a stream without an end.",),
    ]


def test_sign_in_gives_the_cookie_that_others_need():
    draft = openapi_operations.draft(OpenApiDocument.read(str(REPOSITORY / "reference_app" / "openapi.json")))
    assert draft.sign_in.endpoint == "POST /login"
    assert draft.sign_in.body == Body("data", {"username": Variable("APP_USERNAME", "the field username of a body"),
                                               "password": Variable("APP_PASSWORD",
                                                "the field password of a body")})  # fmt: skip
    assert [request.endpoint for request in draft.active()] == [
        "GET /login", "GET /", "GET /api/dashboard/stats", "GET /api/bags/search", "GET /api/shipments/[shipment]",
    ]  # fmt: skip
    assert {"GET /health", "GET /metrics", "GET /openapi.json"} < {request.endpoint for request in draft.requests}
    assert [variable.name for variable in draft.variables()] == ["APP_USERNAME", "APP_PASSWORD"]


def test_base_path_of_the_server_is_before_all_paths_unless_the_address_has_one(tmp_path):
    servers = [{"url": "https://api.shop.example/{version}/", "variables": {"version": {"default": "v2"}}}]
    document = OpenApiDocument.read(write(tmp_path, openapi({"/s": {"get": get()}}, servers=servers)))
    draft = openapi_operations.draft(document)
    assert (draft.url, draft.requests[0].name) == ("https://api.shop.example", "/v2/s")
    assert openapi_operations.draft(document, has_own_path=True).requests[0].name == "/s"


def test_yaml_is_read_as_json_is(tmp_path):
    document = openapi(
        {"/s": {"get": {"parameters": [parameter("day", example="2026-11-30")], "responses": {200: {}}}}}
    )
    (tmp_path / "openapi.yaml").write_text(yaml.safe_dump(document).replace("'2026-11-30'", "2026-11-30"))
    (request,) = openapi_operations.draft(OpenApiDocument.read(str(tmp_path / "openapi.yaml"))).requests
    assert (urls(request), request.success) == (["/s?day=2026-11-30"], {"status": [200]})


def test_further_operations_are_left_out_and_counted(draft_of):
    draft = draft_of(
        {f"/{number}": {"get": get()} for number in range(MAX_REQUESTS + 5)} | {"/" + "x" * 500: {"get": get()}}
    )
    assert len(draft.requests) == MAX_REQUESTS
    assert draft.notes[0].startswith("6 operations")


def test_endpoints_of_one_name_get_a_number(draft_of):
    draft = draft_of({"/a\n": {"get": get()}, "/a ": {"get": get()}})
    assert [request.name for request in draft.requests] == ["/a ", "/a  (2)"]


def test_document_as_frameworks_generate_it_gives_tasks_where_nothing_is_missing(draft_of):
    """With titles, nullable alternatives, defaults, validation errors, and a token that a form gives."""
    optional = {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "Q"}
    listed = get(
        parameter("q", schema=optional),
        parameter("limit", schema={"type": "integer", "default": 100, "title": "Limit"}),
        parameter("order", required=True, schema={"$ref": "#/components/schemas/Order"}),
        operationId="list_items_items__get",
        security=[{"OAuth2PasswordBearer": []}],
        responses={
            "200": {"content": {"application/json": {"schema": {}}}},
            "422": {"content": {"application/json": {}}},
        },
    )
    token = body({"schema": {"$ref": "#/components/schemas/Token"}}, "application/x-www-form-urlencoded")
    components = {
        "schemas": {
            "Order": {"enum": ["newest", "oldest"], "type": "string"},
            "Token": {"required": ["username", "password"], "properties": {
                "username": {"type": "string"}, "password": {"type": "string"}, "scope": {"type": "string",
                 "default": ""}}},
        },
        "securitySchemes": {"OAuth2PasswordBearer": {"type": "oauth2", "flows": {"password": {"tokenUrl": "token"}}}},
    }  # fmt: skip
    item = get(parameter("item_id", "path", schema={"type": "integer"}))
    draft = draft_of(
        {"/items/": {"get": listed}, "/items/{item_id}": {"get": item}, "/token": {"post": token}},
        components=components,
    )
    (request,) = draft.active()
    assert urls(request) == ["/items/?order=newest", "/items/?order=oldest"]
    assert request.success == {"status": [200], "content_type": "application/json"}
    assert [variable.name for variable in draft.variables()] == ["APP_TOKEN"]
    assert draft.sign_in is None
