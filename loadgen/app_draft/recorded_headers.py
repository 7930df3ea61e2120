"""The headers of a recorded request that a load sends too: their names, and a value only where it is harmless."""

import re
from collections.abc import Iterable

from .draft_request import Text
from .har_entries import Entry
from .openapi_parameters import HEADER_NAME
from .secret_names import has_secret_name, is_session_bound
from .secret_values import looks_secret
from .secret_variables import SecretVariables

# What a browser adds by itself, or its extensions and the tracing of an application do.
OWN = {
    "accept-charset", "accept-encoding", "accept-language", "access-control-request-headers",
    "access-control-request-method", "baggage", "cache-control", "connection", "content-length", "content-type", "dnt",
    "host", "keep-alive", "origin", "pragma", "priority", "purpose", "range", "referer", "save-data", "sentry-trace",
    "te", "trailer", "transfer-encoding", "upgrade", "upgrade-insecure-requests", "user-agent", "via", "x-request-id",
    "x-correlation-id", "x-client-data", "x-cloud-trace-context",
}  # fmt: skip
OWN_PREFIXES = (":", "sec-", "if-", "proxy-", "x-forwarded-", "x-datadog-", "x-b3-", "x-amzn-trace", "trace",
 "device-memory",
                "downlink", "ect", "rtt", "viewport-width")  # fmt: skip
# Cookies of what counts visitors, which no application needs.
COUNTING = (
    "_ga",
    "_gid",
    "_gat",
    "_gcl",
    "_fbp",
    "_pk_",
    "_hj",
    "_uet",
    "ajs_",
    "amplitude",
    "mp_",
    "optanon",
    "cookieconsent",
)
_ACCEPT = re.compile(r"application/[\w.+-]{1,60}(?:, ?(?:text/plain|\*/\*))*")
_HARMLESS = re.compile(r"true|false|XMLHttpRequest|\d{1,2}")  # a longer number may be an account or a PIN
_SCHEME = re.compile(r"(?i)(Bearer|Basic|Token|Digest) +\S")


def headers(entry: Entry, variables: SecretVariables) -> list[tuple[str, Text]]:
    """The headers of a request without its cookies, with variables in the place of values."""
    kept = []
    for name, value in entry.headers:
        if name == "authorization":
            kept.append(("Authorization", _authorization(value, variables)))
        elif _is_of_application(name, value):
            is_harmless = name == "accept" or (_HARMLESS.fullmatch(value) and not has_secret_name(name))
            text = value if is_harmless else variables.variable(name, f"the header {name}")
            kept.append((name.title(), (text,)))
    return list(dict(kept).items())


def session_bound(entry: Entry) -> list[str]:
    """The names of headers whose values belong to one page or session."""
    return [name for name, _ in entry.headers if is_session_bound(name)]


def unknown_cookies(entries: Iterable[Entry]) -> set[str]:
    """The names of cookies that were there before the recording, so that no response of it sets them."""
    sent: set[str] = set()
    set_by_responses: set[str] = set()
    for entry in entries:
        sent |= {name for name in cookie_names(entry) if not name.lower().startswith(COUNTING)}
        values = [value for name, value in entry.response_headers if name == "set-cookie"]
        set_by_responses |= {line.partition("=")[0].strip() for value in values for line in value.split("\n")}
    return sent - set_by_responses


def cookie_names(entry: Entry) -> list[str]:
    """The names of the cookies of a request."""
    values = [value for name, value in entry.headers if name == "cookie"]
    return [pair.partition("=")[0].strip() for value in values for pair in value.split(";")]


def cookie(entry: Entry, names: set[str], variables: SecretVariables) -> list[tuple[str, Text]]:
    """The header with the cookies of a request, where one of them has such a name: all of it is a variable."""
    if not names & set(cookie_names(entry)):
        return []
    return [("Cookie", (variables.variable("cookie", "the header Cookie, as name=value; name=value"),))]


def _is_of_application(name: str, value: str) -> bool:
    """Whether the application may need a header, which its pages and no browser made."""
    if name in OWN or name.startswith(OWN_PREFIXES) or name == "cookie" or is_session_bound(name):
        return False
    if name == "accept":
        return _ACCEPT.fullmatch(value) is not None and not looks_secret(value)
    return HEADER_NAME.fullmatch(name) is not None and not looks_secret(name)


def _authorization(value: str, variables: SecretVariables) -> Text:
    scheme = _SCHEME.match(value)
    if not scheme:
        return (variables.variable("authorization", "the header Authorization"),)
    word = scheme[1].title()
    name = "basic_credentials" if word == "Basic" else "token"
    return f"{word} ", variables.variable(name, f"the header Authorization, behind {word}")
