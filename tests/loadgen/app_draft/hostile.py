"""Texts that would end a literal, a comment or a table, and drafts, documents and recordings that are full of them."""

from hypothesis import strategies as st

from loadgen.app_draft.draft_request import FORM, JSON, METHODS, Body, Draft, DraftRequest, Variable
from tests.loadgen.app_draft.documents import entry, har, openapi

ATTACKS = [
    '"', "'", '"""', "'''", "\\", "\\\"", "\n", "\r", "\r\nimport os\n", "\x85", "\u2028import os", "\x0c", "\0",
    "\ud800",
    "{}", "{0.__class__}", "%s", "#", "# coding: utf-7", "\"\"\"\nimport os\nos.abort()\n\"\"\"",
    "']\n[arms.evil]\n", '"]\n[x]\n',
    "\u202eevil", "../..", "http://evil.example/", "//evil.example/", "]", "=", "\x7f", "\x1b[2J", "${HOME}",
    "äöü 日本 🙂",
]  # fmt: skip
texts = st.lists(st.sampled_from(ATTACKS) | st.text(max_size=5), max_size=4).map("".join)
variables = st.builds(Variable, st.sampled_from(["APP_A", "APP_B_2"]), texts)
parts = st.lists(texts | variables, max_size=3).map(tuple)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts | variables,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
bodies = st.none() | st.builds(Body, st.just(JSON), json_values) | st.builds(
    Body, st.just(FORM), st.dictionaries(texts, texts | variables, max_size=3)
)  # fmt: skip
rules = st.dictionaries(st.just("content_type"), texts.filter(bool)) | st.just({"status": [200, 404]}) | st.just({})
requests = st.builds(
    DraftRequest, st.sampled_from([method for method in METHODS if method != "OPTIONS"]), texts,
    st.lists(parts, min_size=1, max_size=3).map(tuple), st.integers(1, 9),
    st.lists(st.tuples(texts, parts), max_size=2).map(tuple), bodies, st.booleans(), rules,
    st.lists(texts, max_size=2).map(tuple),
)  # fmt: skip
drafts = st.builds(
    Draft, texts, texts, texts, st.lists(requests, max_size=5).map(tuple), st.none() | requests,
    st.lists(st.floats(0, 60), max_size=3).map(tuple), has_unsafe=st.booleans(),
)  # fmt: skip

schemas = st.fixed_dictionaries({}, optional={"default": texts, "enum": st.lists(texts, max_size=2),
 "example": json_values.filter(
    lambda value: "Variable" not in repr(value))})  # fmt: skip
parameters = st.fixed_dictionaries(
    {"name": texts.filter(bool), "in": st.sampled_from(["query", "path", "header", "cookie"])},
    optional={"example": texts, "required": st.just(True), "schema": schemas},
)
operations = st.fixed_dictionaries(
    {},
    optional={
        "parameters": st.lists(parameters, max_size=3),
        "responses": st.dictionaries(
            st.sampled_from(["200", "404", "default"]), st.just({"content": {"application/json": {}}})
        ),
        "requestBody": schemas.map(lambda schema: {"content": {"application/json": {"schema": schema}}}),
    },
)
documents = st.builds(
    lambda title, paths: openapi(paths) | {"info": {"title": title}},
    texts,
    st.dictionaries(
        texts.map("/{}".format),
        st.dictionaries(st.sampled_from(["get", "post", "delete"]), operations, min_size=1),
        min_size=1,
        max_size=3,
    ),
)
entries = st.builds(
    lambda path, method, query, headers, body: entry(f"/{path}?{query}", 1, method, headers=headers, body=body),
    texts, st.sampled_from(["GET", "POST"]), texts, st.dictionaries(texts, texts, max_size=2),
    st.none() | st.tuples(st.sampled_from(["application/json", "application/x-www-form-urlencoded"]), texts),
)  # fmt: skip
recordings = st.lists(entries, max_size=4).map(lambda drawn: har(entry("/first"), *drawn))
