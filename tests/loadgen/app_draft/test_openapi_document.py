"""An OpenAPI document as it is read: one line with place and remedy for each kind that cannot be."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from loadgen.app_draft import document_source, openapi_operations
from loadgen.app_draft.openapi_document import MAX_BYTES, OpenApiDocument
from tests.loadgen.app_draft.documents import get, openapi, parameter, write
from workbench.errors import UsageError

LOOP = {"a": {"$ref": "#/components/parameters/b"}, "b": {"$ref": "#/components/parameters/a"}}


def with_parameter(value, **components):
    return openapi({"/a": {"get": get(value)}}, components=components)


BROKEN = {
    "no JSON": ('{"openapi": ', "line 1: this is no JSON"),
    "neither JSON nor YAML": ("openapi: [", "this is neither JSON nor YAML"),
    "a merge key": ("a: &a {b: 1}\nc: {<<: *a}", "line 2: this is neither JSON nor YAML: a merge key (<<) is not read"),
    "too deep": ("[" * 100_000, "nests too deeply"),
    "too deep YAML": ("a: " + "[" * 5_000, ""),
    "a number that is none": ('{"openapi": NaN}', "NaN is no number of JSON"),
    "a text": ('"openapi"', "openapi is no table"),
    "a list": ("[1]", "[1] is no table"),
    "nothing": ("", "None is no table"),
    "Swagger 2": ({"swagger": "2.0", "paths": {}}, "this is Swagger 2.0, and OpenAPI 3.0 and 3.1 are read"),
    "a later version": (openapi({}, version="3.2.0"), "this is OpenAPI 3.2.0, and OpenAPI 3.0 and 3.1 are read"),
    "no version": ({"paths": {}}, "has no openapi with a version"),
    "no paths": (openapi({}), "it describes no operation"),
    "paths of another type": (openapi(["/a"]), "at #/paths: ['/a'] is no table"),
    "a path item of another type": (openapi({"/a": 1}), "at #/paths/~1a: 1 is no table"),
    "an operation of another type": (openapi({"/a": {"get": "x"}}), "at #/paths/~1a/get: x is no table"),
    "a path without a slash": (openapi({"a": {"get": {}}}), "at #/paths/a: a path begins with /"),
    "parameters of another type": (openapi({"/a": {"get": {"parameters": {}}}}),
     "at #/paths/~1a/get/parameters: {} is no list"),
    "a parameter without a name": (with_parameter({"in": "query"}),
     "at #/paths/~1a/get/parameters/0: a parameter needs a name"),
    "a reference that leads nowhere": (with_parameter({"$ref": "#/components/none"}),
     "$ref #/components/none leads nowhere"),
    "a loop of references": (
        with_parameter({"$ref": "#/components/parameters/a"}, parameters=LOOP),
        "leads back to itself; correct the document",
    ),
    "a reference to itself": (with_parameter({"$ref": "#/paths/~1a/get/parameters/0"}), "leads back to itself"),
    "another document": (with_parameter({"$ref": "common.yaml#/a"}), "$ref common.yaml#/a leads to another document"),
    "responses of another type": (openapi({"/a": {"get": {"responses": [1]}}}),
     "at #/paths/~1a/get/responses: [1] is no table"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_document_that_cannot_be_read_is_one_line_with_its_place(tmp_path, content, message):
    path = tmp_path / "openapi.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(UsageError) as raised:
        openapi_operations.draft(OpenApiDocument.read(str(path)))
    assert raised.value.message.startswith(str(path))
    assert message in raised.value.message
    assert "\n" not in raised.value.message


def test_document_that_is_too_large_is_refused(tmp_path):
    (tmp_path / "large.json").write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(UsageError, match="is larger than 16 MiB"):
        OpenApiDocument.read(str(tmp_path / "large.json"))


@pytest.mark.parametrize(
    ("name", "message"), [("none.json", "No such file"), (".", "is no file"), ("a\0b", "cannot be read")]
)
def test_path_without_a_document_is_named(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message):
        OpenApiDocument.read(name)


def test_text_that_is_not_utf_8_is_refused_with_its_place(tmp_path):
    (tmp_path / "latin.json").write_bytes(b'{"a": "\xe4"}')
    with pytest.raises(UsageError, match="byte 7 cannot be read"):
        OpenApiDocument.read(str(tmp_path / "latin.json"))


def test_aliases_of_yaml_that_multiply_are_bounded(tmp_path):
    lines = ["openapi: 3.0.3", "x-a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"x-a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    lines += ["paths:", "  /a:", "    post:", "      requestBody: {content: {application/json: {example: *a9}}}"]
    (tmp_path / "bomb.yaml").write_text("\n".join(lines))
    (request,) = openapi_operations.draft(OpenApiDocument.read(str(tmp_path / "bomb.yaml"))).requests
    assert request.gaps == ("Its body is too large for a draft: write it.",)


class Documents(BaseHTTPRequestHandler):
    """Answers with a document, or in ways that give none."""

    def do_GET(self):
        status, headers, body = {
            "/openapi.json": (200, {}, json.dumps(openapi({"/a": {"get": get()}})).encode()),
            "/redirect": (302, {"Location": "http://elsewhere.example/openapi.json?token=verysecret1"}, b""),
            "/missing": (404, {}, b"{}"),
            "/page": (200, {}, b"<html>"),
            "/large": (200, {}, b" " * (MAX_BYTES + 100)),
        }[self.path.partition("?")[0]]
        self.server.seen.append(self.path)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@contextmanager
def serving():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Documents)
    server.seen = []
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_document_of_an_address_has_the_address_of_its_application():
    with serving() as (_, url):
        draft = openapi_operations.draft(OpenApiDocument.read(f"{url}/openapi.json"))
    assert (draft.url, [request.endpoint for request in draft.requests]) == (url, ["GET /a"])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/redirect", "answers 302, a redirect to http://elsewhere.example/openapi.json?token=***; it is not followed"),
        ("/missing", "answers 404 instead of a document"),
        ("/page", "<html> is no table"),
        ("/large", "is larger than 16 MiB"),
    ],
)
def test_address_that_gives_no_document_is_one_line(path, message):
    with serving() as (server, url), pytest.raises(UsageError) as raised:
        openapi_operations.draft(OpenApiDocument.read(f"{url}{path}"))
    assert message in raised.value.message
    assert server.seen == [path]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://127.0.0.1:9/openapi.json", "Connection refused; start the application"),
        ("ftp://host/openapi.json", "is no address of a document"),
        ("file:///etc/passwd", "is no address of a document"),
        ("http://", "is no address of a document"),
        ("http://host:x/", "is no address of a document"),
        ("http://ann:hunter2@127.0.0.1:9/", "has a user in it"),
    ],
)
def test_address_that_cannot_be_asked_is_refused_without_its_secret(address, message):
    with pytest.raises(UsageError) as raised:
        OpenApiDocument.read(address)
    assert message in raised.value.message
    assert "hunter2" not in raised.value.message


def test_address_that_never_ends_is_left(monkeypatch):
    monkeypatch.setattr(document_source, "DEADLINE_S", -1.0)
    with serving() as (_, url), pytest.raises(UsageError, match="did not end within"):
        OpenApiDocument.read(f"{url}/openapi.json")


def test_value_of_another_place_is_a_reference_with_escapes(tmp_path):
    shared = {"a/b~c": parameter("q", example="x")}
    document = with_parameter({"$ref": "#/components/parameters/a~1b~0c"}, parameters=shared)
    (request,) = openapi_operations.draft(OpenApiDocument.read(write(tmp_path, document))).requests
    assert request.urls == (("/a?q=x",),)
