"""The bodies of recorded requests: those of JSON and of plain forms, with variables in the place of secrets."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from .body_content import UnusableBody, without_secrets
from .draft_request import FORM, JSON, SAFE_METHODS, Body
from .har_entries import Entry
from .secret_names import is_session_bound
from .secret_variables import SecretVariables
from .sign_in import is_password, is_user

MAX_CHARACTERS, MAX_FIELDS = 100_000, 100
FORM_TYPE = "application/x-www-form-urlencoded"
HARMLESS = ("", "0", "1", "on", "off", "yes", "no", "true", "false")  # values of a box to tick


def body(entry: Entry, variables: SecretVariables) -> tuple[Body | None, list[str]]:
    """The body of a request, None where it has none or no draft can have it, and the gaps, each a sentence."""
    if not entry.body or entry.method in SAFE_METHODS:
        return None, []
    try:
        kind, content = _content(entry.body)
        made = Body(kind, without_secrets(_without_account(content, variables), variables))
    except UnusableBody as error:
        return None, [f"Its body is {error}: write it."]
    bound = dict.fromkeys(name for name in _names(content) if is_session_bound(name))
    return made, [f"Its field {name} is new for each page or session: read it there first." for name in bound]


def _content(described: Mapping[str, Any]) -> tuple[str, Any]:
    """The kind of a recorded body, and its content. Raises `UnusableBody`."""
    media_type = str(described.get("mimeType") or "").partition(";")[0].strip().lower()
    text = described.get("text")
    if media_type == FORM_TYPE:
        return FORM, _form(described, text)
    if not (media_type == "application/json" or media_type.endswith("+json")) or not isinstance(text, str):
        raise UnusableBody("neither JSON nor a plain form")
    if len(text) > MAX_CHARACTERS:
        raise UnusableBody("too large for a draft")
    try:
        return JSON, json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise UnusableBody("no JSON that can be read") from None


def _form(described: Mapping[str, Any], text: Any) -> dict[str, Any]:
    """The fields of a form. Raises `UnusableBody`."""
    try:
        if isinstance(text, str) and text:
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
        else:
            pairs = [(str(each["name"]), str(each.get("value", ""))) for each in described.get("params") or []]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UnusableBody("a form that cannot be read") from None
    if len(dict(pairs)) < len(pairs):
        raise UnusableBody("a form with several values of one field")
    return dict(pairs)


def _without_account(content: Any, variables: SecretVariables) -> Any:
    """The content with variables for the fields beside a password that say whose it is."""
    if not isinstance(content, Mapping) or not any(map(is_password, map(str, content))):
        return content
    return {
        name: variables.variable(name, f"the field {name} of a body", value) if _is_account(name, value) else value
        for name, value in content.items()
    }


def _is_account(name: str, value: Any) -> bool:
    return isinstance(value, str) and value not in HARMLESS and (is_user(name) or is_password(name))


def _names(content: Any) -> Iterator[str]:
    """The names in a content, at every depth; it is of bounded size."""
    if isinstance(content, Mapping):
        for name, value in content.items():
            yield str(name)
            yield from _names(value)
    elif isinstance(content, list):
        for value in content:
            yield from _names(value)


def _refused(constant: str) -> Any:
    raise ValueError(constant)
