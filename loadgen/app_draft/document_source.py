"""Reading the document that a draft is made of: from a file or an address, with bounds, as JSON or YAML."""

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from workbench.errors import UsageError
from workbench.redaction import redacted

TIMEOUT_S, DEADLINE_S = 10.0, 30.0  # of each answer of the network, and of all of the document
MAX_YAML_BYTES = 4 * 1024 * 1024  # its parser takes seconds for each MiB
CHUNK_BYTES = 64 * 1024
MIB = 1024 * 1024


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the fast one, where it was built
    """A reader of plain values; a merge key could make a small document huge."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        merge = next((key for key, _ in node.value if key.tag == "tag:yaml.org,2002:merge"), None)
        if merge is not None:
            raise yaml.constructor.ConstructorError(None, None, "a merge key (<<) is not read", merge.start_mark)


def is_address(given: str) -> bool:
    """Whether a document is named by an address, and not by a path."""
    return "://" in given


def read(given: str, max_bytes: int) -> bytes:
    """The content at a path or an address. Raises `UsageError` with the reason and what to do."""
    content = _fetched(given, max_bytes) if is_address(given) else _file(given, max_bytes)
    if len(content) > max_bytes:
        raise UsageError(f"{shown(given)} is larger than {max_bytes // MIB} MiB; give one that has less in it")
    return content


def parsed(given: str, content: bytes, *, may_be_yaml: bool = False) -> Any:
    """The value that a document has. Raises `UsageError` with the line of what is no JSON or YAML."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{shown(given)} is no text in UTF-8: byte {error.start} cannot be read; give it in UTF-8"
        ) from None
    is_yaml = may_be_yaml and not text.lstrip().startswith(("{", "["))
    try:
        return _yaml(given, text) if is_yaml else json.loads(text, parse_constant=_not_json)
    except json.JSONDecodeError as error:
        raise UsageError(f"{shown(given)}, line {error.lineno}: this is no JSON: {error.msg}; {REMEDY}") from None
    except yaml.YAMLError as error:
        raise UsageError(
            f"{shown(given)}{_line(error)}: this is neither JSON nor YAML: {_problem(error)}; {REMEDY}"
        ) from None
    except RecursionError:
        raise UsageError(f"{shown(given)} nests too deeply to be read; {REMEDY}") from None
    except ValueError as error:
        raise UsageError(f"{shown(given)} has a value that cannot be read: {str(error)[:100]}; {REMEDY}") from None


REMEDY = "give the document as the application or the browser wrote it"


def shown(given: str) -> str:
    """The name of a document in messages and files, without secrets."""
    return redacted(given)


def _yaml(given: str, text: str) -> Any:
    if len(text) > MAX_YAML_BYTES:
        raise UsageError(f"{shown(given)} is YAML of more than {MAX_YAML_BYTES // MIB} MiB; give it as JSON")
    return yaml.load(text, _Loader)  # noqa: S506 -- a subclass of the safe one


def _not_json(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")


def _line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f", line {mark.line + 1}" if mark else ""


def _problem(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read")


def _file(given: str, max_bytes: int) -> bytes:
    path = Path(given)
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{given} is no file; name the document itself")
        with path.open("rb") as file:
            return file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{given} cannot be read: {reason}; name a file, or an address with http://") from None


def _fetched(given: str, max_bytes: int) -> bytes:
    """What an address answers. It is asked once, past every proxy; a redirect is not followed."""
    _require_http(given)
    request = urllib.request.Request(given, headers={"Accept": "application/json, application/yaml;q=0.9, */*;q=0.1"})  # noqa: S310
    opener = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT_S) as response:
            return _all_of(response, given, max_bytes)
    except urllib.error.HTTPError as error:
        with error:
            raise UsageError(f"{shown(given)} answers {_status(error)}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UsageError(f"{shown(given)} cannot be read: {_reason(error)}; start the application, or save the "
                         "document and give the file") from None  # fmt: skip


def _require_http(given: str) -> None:
    try:
        parts = urlsplit(given)
        is_known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_known, parts = False, urlsplit("")
    if not is_known:
        raise UsageError(f"{shown(given)} is no address of a document; it looks like http://host:port/openapi.json")
    if "@" in parts.netloc:
        raise UsageError(f"{shown(given)} has a user in it; save the document and give the file")


def _all_of(response: http.client.HTTPResponse, given: str, max_bytes: int) -> bytes:
    end_s, content = time.monotonic() + DEADLINE_S, bytearray()
    while len(content) <= max_bytes and (chunk := response.read1(CHUNK_BYTES)):
        content += chunk
        if time.monotonic() > end_s:
            raise UsageError(
                f"{shown(given)} did not end within {DEADLINE_S:.0f} s; save the document and give the file"
            )
    return bytes(content)


def _status(error: urllib.error.HTTPError) -> str:
    if 300 <= error.code < 400:
        place = shown(error.headers.get("Location") or "nowhere")
        return f"{error.code}, a redirect to {place}; it is not followed: give the address itself"
    return f"{error.code} instead of a document; give the address at which it has one, or a file"


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLError):
        return f"its certificate is not valid here ({reason.reason})"
    return str(getattr(reason, "strerror", None) or reason or type(error).__name__)
