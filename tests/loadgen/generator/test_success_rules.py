"""What counts as a success by declared rules: each kind of rule, and the reason that it gives."""

import json
from types import SimpleNamespace

import pytest

from loadgen.generator.success_rules import failure

PAGE = SimpleNamespace(
    status_code=200, headers={"content-type": "Text/HTML; charset=utf-8"}, text="<p>Posts</p>", content=b"<p>Posts</p>"
)
BODY = {"ok": True, "posts": [{"id": 7}], "a/b": {"~": None}, "count": 1}
ANSWER = SimpleNamespace(
    status_code=201,
    headers={"content-type": "application/json"},
    text=json.dumps(BODY),
    content=json.dumps(BODY).encode(),
)


@pytest.mark.parametrize(
    ("rule", "response", "reason"),
    [
        ({"status": [200, 204]}, PAGE, None),
        ({"status": [201]}, PAGE, "status 200"),
        ({"content_type": "text/html"}, PAGE, None),
        ({"content_type": "application/json"}, PAGE, "content type text/html"),
        ({"contains": "Posts", "without": "Traceback"}, PAGE, None),
        ({"contains": "Users"}, PAGE, "body without 'Users'"),
        ({"without": "Posts"}, PAGE, "body with 'Posts'"),
        ({"json": {"/ok": True}}, PAGE, "not JSON"),
        ({"json": {"/ok": True, "/posts/0/id": 7, "/a~1b/~0": None}}, ANSWER, None),
        ({"json": {"/ok": 1}}, ANSWER, "/ok is true"),
        ({"json": {"/count": True}}, ANSWER, "/count is 1"),
        ({"json": {"/posts/1/id": 7}}, ANSWER, "/posts/1/id is missing"),
        ({"json": {"/posts/x": 7}}, ANSWER, "/posts/x is missing"),
        ({"json": {"": BODY}}, ANSWER, None),
        ({"status": [404], "contains": "Users"}, PAGE, "status 200"),
    ],
)
def test_each_rule_gives_its_reason(rule, response, reason):
    assert failure(rule, response) == reason
