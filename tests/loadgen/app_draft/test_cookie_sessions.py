"""Cookies of signed-in users in OpenAPI documents: who gets one signs in first, also where it may be left out."""

import pytest

from loadgen.app_draft import openapi_operations
from loadgen.app_draft.openapi_document import OpenApiDocument
from tests.loadgen.app_draft.documents import get, openapi, parameter, write

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
ACCOUNT = {"required": ["username", "password"],
           "properties": {"username": {"type": "string"}, "password": {"type": "string"}}}  # fmt: skip
OPTIONAL = {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "Session"}  # as FastAPI describes it


def sign_in(schema=ACCOUNT, kind=JSON):
    return {"post": {"requestBody": {"content": {kind: {"schema": schema}}}, "responses": {"200": {}}}}


def optional(name="session"):
    return {"name": name, "in": "cookie", "required": False, "schema": OPTIONAL}


@pytest.fixture
def drafted(tmp_path):
    """The draft of a document with these paths."""
    return lambda paths: openapi_operations.draft(OpenApiDocument.read(write(tmp_path, openapi(paths))))


@pytest.mark.parametrize("kind", [JSON, FORM])
@pytest.mark.parametrize("name", ["session", "access_token", "fastapiusersauth", "connect.sid"])
def test_cookie_that_may_be_left_out_is_that_of_the_sign_in(drafted, kind, name):
    draft = drafted({"/login": sign_in(kind=kind), "/me": {"get": get(optional(name))}})
    assert (draft.sign_in.endpoint, draft.notes) == ("POST /login", ())
    assert [(request.endpoint, request.headers) for request in draft.requests] == [("GET /me", ())]
    assert [variable.name for variable in draft.variables()] == ["APP_USERNAME", "APP_PASSWORD"]


def test_cookie_that_a_sign_in_sets_is_sent_by_no_task_though_it_is_needed(drafted):
    draft = drafted({"/login": sign_in(), "/me": {"get": get(parameter("sid", "cookie", required=True))}})
    assert draft.sign_in.endpoint == "POST /login"
    assert draft.requests[0].headers == ()


def test_cookie_without_a_sign_in_is_sent_where_it_is_needed(drafted):
    needed = get(optional("session"), parameter("sid", "cookie", required=True))
    draft = drafted({"/me": {"get": needed}, "/all": {"get": get(optional("session"))}})
    assert [[name for name, _ in request.headers] for request in draft.requests] == [["Cookie"], []]
    assert [variable.name for variable in draft.variables()] == ["APP_SID"]


def test_cookie_of_a_theme_needs_no_sign_in(drafted):
    draft = drafted({"/login": sign_in(), "/": {"get": get(optional("theme"))}})
    assert draft.sign_in is None
    assert draft.notes == ("the sign-in POST /login: no task is described as one that needs its cookie",)


def test_sign_in_that_lacks_a_value_is_said_to_be_left_out(drafted):
    schema = ACCOUNT | {"required": ["username", "password", "shop"],
                        "properties": ACCOUNT["properties"] | {"shop": {"type": "string"}}}  # fmt: skip
    draft = drafted({"/login": sign_in(schema), "/me": {"get": get(optional())}})
    assert draft.sign_in is None
    assert draft.notes == (
        "the sign-in POST /login: its body has no example of shop: put a value in the place of None",
    )
