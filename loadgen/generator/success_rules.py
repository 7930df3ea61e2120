"""What counts as a success, by the rules that a user declares for an endpoint.

A rule has `status` (codes that are a success, and no others), `content_type`, `contains` and `without` (texts of the
body), and `json` (JSON Pointers, RFC 6901, with the values that stand there).
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

MAX_SHOWN = 40  # characters of a text or value in a reason
MISSING = object()

Rule = Mapping[str, Any]


def failure(rule: Rule, response: Any) -> str | None:
    """The reason why a response is no success by a rule; None if it is one."""
    return next(
        (reason for key, check in CHECKS.items() if key in rule and (reason := check(rule[key], response))), None
    )


def _status(codes: list[int], response: Any) -> str | None:
    return None if response.status_code in codes else f"status {response.status_code}"


def _content_type(wanted: str, response: Any) -> str | None:
    given = (response.headers.get("content-type") or "").partition(";")[0].strip().lower()
    return None if given == wanted.lower() else f"content type {given[:MAX_SHOWN] or 'missing'}"


def _contains(text: str, response: Any) -> str | None:
    return None if text in (response.text or "") else f"body without {text[:MAX_SHOWN]!r}"


def _without(text: str, response: Any) -> str | None:
    return f"body with {text[:MAX_SHOWN]!r}" if text in (response.text or "") else None


def _json(values: Mapping[str, Any], response: Any) -> str | None:
    try:
        body = json.loads(response.content)
    except ValueError:
        return "not JSON"
    for pointer, wanted in values.items():
        if (given := _at(body, pointer)) != wanted or isinstance(given, bool) != isinstance(wanted, bool):
            return f"{pointer or 'the body'} is {'missing' if given is MISSING else json.dumps(given)[:MAX_SHOWN]}"
    return None


def _at(body: Any, pointer: str) -> Any:
    """The value at a JSON Pointer; `MISSING` where nothing stands."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(body, dict) and key in body:
            body = body[key]
        elif isinstance(body, list) and key.isdecimal() and int(key) < len(body):
            body = body[int(key)]
        else:
            return MISSING
    return body


# By the key of a rule, in the order in which they are looked at.
CHECKS: Mapping[str, Callable[[Any, Any], str | None]] = {
    "status": _status, "content_type": _content_type, "json": _json, "contains": _contains, "without": _without,
}  # fmt: skip
