"""The locustfile of a draft: it parses and has only its own statements, whatever texts are in it."""

import ast
import json
import subprocess
import sys
from dataclasses import replace

from hypothesis import given, settings

from loadgen.app_draft import locustfile_text, openapi_operations, recorded_draft
from loadgen.app_draft.draft_request import METHODS, Body, Draft, DraftRequest, Variable
from loadgen.app_draft.openapi_document import OpenApiDocument
from loadgen.app_draft.python_text import literal
from tests.loadgen.app_draft import hostile

IMPORTS = {
    "import os", "import random", "from urllib.parse import quote", "from locust import FastHttpUser, between, task",
    "from locust import FastHttpUser, task",
}  # fmt: skip
CALLS = {"random.choice", "quote", "between", "task"} | {
    f"self.client.{method}" for method in ("get", "head", "post", "put", "patch", "delete")
}
GUARD = """
if missing := {NAMES} - {*os.environ}:
    raise LookupError(f"set in the environment: {', '.join(sorted(missing))}")
"""
EXPRESSIONS = (
    ast.Constant, ast.Name, ast.Attribute, ast.Call, ast.keyword, ast.BinOp, ast.Add, ast.Dict, ast.List, ast.Tuple,
    ast.Subscript, ast.UnaryOp, ast.USub, ast.Load, ast.Store,
)  # fmt: skip
TOKEN = Variable("APP_TOKEN", "the header Authorization")
EXAMPLE = Draft(
    "Shop", "shop.har (HAR)", "http://127.0.0.1:8000",
    (
        DraftRequest("GET", "/", (("/",),), 3),
        DraftRequest("GET", "/posts/[id]", (("/posts/1",), ("/posts/2",)), headers=(("Authorization", ("Bearer ",
         TOKEN)),)),
        DraftRequest("GET", "/search", (("/search?q=", Variable("APP_Q", "the parameter q")),)),
        DraftRequest("POST", "/posts", (("/posts",),), body=Body("json", {"title": None}), gaps=("Write the title.",)),
    ),
    pauses_s=(0.5,),
)  # fmt: skip


def statements(text):
    """Check each statement of a file, and give the names of its tasks."""
    module = ast.parse(text)
    compile(text, "users.py", "exec")
    assert isinstance(module.body[0].value, ast.Constant)
    (*constants, users) = module.body[1:]
    for statement in constants:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            assert ast.unparse(statement) in IMPORTS
        elif isinstance(statement, ast.If):
            assert all(isinstance(name, ast.Constant) for name in statement.test.value.left.elts)
            names = ", ".join(ast.unparse(name) for name in statement.test.value.left.elts)
            assert ast.dump(ast.parse(GUARD.replace("NAMES", names)).body[0]) == ast.dump(statement)
        else:
            assert isinstance(statement, ast.Assign)
            check(statement.value)
    assert (users.name, [ast.unparse(base) for base in users.bases]) == ("Visitor", ["FastHttpUser"])
    for statement in users.body[1:]:
        assert isinstance(statement, ast.FunctionDef | ast.Assign)
        if isinstance(statement, ast.FunctionDef):
            check_function(statement)
        else:
            assert ast.unparse(statement) == "wait_time = between(1, 3)"
    return [each.name for each in users.body if isinstance(each, ast.FunctionDef) and each.decorator_list]


def check_function(function):
    docstring, call = function.body
    assert isinstance(docstring.value, ast.Constant)
    assert isinstance(call, ast.Expr | ast.Return)
    assert [argument.arg for argument in function.args.args] == ["self"]
    for expression in (call.value, *function.decorator_list):
        check(expression)


def check(expression):
    for node in ast.walk(expression):
        assert isinstance(node, EXPRESSIONS), ast.dump(node)
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) in CALLS
        if isinstance(node, ast.Subscript):
            assert ast.unparse(node.value) == "os.environ"


def with_comments_taken_away(text):
    """The file with all of its commented tasks as tasks."""
    lines = []
    is_task = False
    for line in text.splitlines():
        is_task = line.startswith("    # @task") or (is_task and line.startswith("    # "))
        lines.append(f"    {line[6:]}" if is_task else line)
    return "\n".join(lines) + "\n"


def values(text):
    """The texts in the literals of the calls of a file, in their order."""
    calls = [
        node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and "client" in ast.unparse(node.func)
    ]
    return [node.value for call in calls for node in ast.walk(call) if isinstance(node, ast.Constant)]


@settings(max_examples=150, deadline=None)
@given(hostile.drafts)
def test_file_of_any_draft_has_only_its_own_statements(draft):
    text = locustfile_text.text(draft)
    assert len(statements(text)) == len(draft.active())
    assert len(statements(with_comments_taken_away(text))) == len(draft.requests)


@settings(max_examples=100, deadline=None)
@given(hostile.texts)
def test_literal_is_the_text_on_one_line(text):
    assert ast.literal_eval(literal(text)) == text
    assert literal(text).isprintable()


@settings(max_examples=100, deadline=None)
@given(hostile.requests)
def test_name_of_an_endpoint_is_passed_as_it_is(request):
    text = locustfile_text.text(Draft("Shop", "x", "", (replace(request, gaps=()),), has_unsafe=True))
    assert request.name in values(text)


@settings(max_examples=100, deadline=None)
@given(hostile.documents)
def test_file_of_any_document_has_only_its_own_statements(tmp_path_factory, document):
    path = tmp_path_factory.getbasetemp() / "hostile.json"
    path.write_text(json.dumps(document))
    draft = openapi_operations.draft(OpenApiDocument.read(str(path)))
    assert len(statements(locustfile_text.text(draft))) == len(draft.active())


@settings(max_examples=100, deadline=None)
@given(hostile.recordings)
def test_file_of_any_recording_has_only_its_own_statements(tmp_path_factory, recording):
    path = tmp_path_factory.getbasetemp() / "hostile.har"
    path.write_text(json.dumps(recording))
    draft = recorded_draft.draft(str(path))
    assert len(statements(locustfile_text.text(draft))) == len(draft.active())


def test_tasks_have_names_of_their_own_that_no_attribute_of_locust_has():
    assert statements(locustfile_text.text(EXAMPLE)) == ["get_index", "get_posts_id", "get_search"]
    printed = "from locust import FastHttpUser; print(*dir(FastHttpUser))"  # its import patches this process
    words = subprocess.run([sys.executable, "-c", printed], capture_output=True, text=True, check=True).stdout.split()
    assert "wait_time" in words
    assert [word for word in words if word.startswith(tuple(f"{method.lower()}_" for method in METHODS))] == []


def test_file_is_readable():
    text = locustfile_text.text(EXAMPLE)
    assert "    @task(3)\n    def get_index(self):" in text
    assert 'APP_TOKEN = os.environ["APP_TOKEN"]  # the header Authorization\n' in text
    assert 'HEADERS = {"Authorization": "Bearer " + APP_TOKEN}' in text
    assert 'self.client.get("/search?q=" + quote(APP_Q, safe=""), name="/search")' in text
    assert 'self.client.get(random.choice(GET_POSTS_ID), headers=HEADERS, name="/posts/[id]")' in text
    assert (
        "    # POST /posts is not sent.\n    # It may change data.\n    # Write the title.\n    # To send it," in text
    )
    assert '    #     self.client.post("/posts", json={"title": None}, name="/posts")' in text
    assert "TODO" not in text


def test_unsafe_methods_are_tasks_where_they_are_wanted():
    post = DraftRequest("POST", "/posts", (("/posts",),), body=Body("json", {"title": "A"}))
    draft = replace(EXAMPLE, requests=(post,))
    assert statements(locustfile_text.text(draft)) == []
    assert statements(locustfile_text.text(replace(draft, has_unsafe=True))) == ["post_posts"]
