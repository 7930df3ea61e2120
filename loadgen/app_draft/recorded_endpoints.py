"""The endpoints of a recording: requests that differ in ids and queries alone, as one request of a draft."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from . import path_templates, recorded_bodies, recorded_headers
from .draft_request import MAX_NAME_BYTES, MAX_URLS, SAFE_METHODS, DraftRequest, Text, Variable
from .endpoint_names import cleaned_name, gaps_of_path
from .har_entries import Entry
from .request_urls import encoded, merged
from .secret_names import secret_by_others
from .secret_values import is_secret, looks_secret
from .secret_variables import SecretVariables

JSON_TYPE = "application/json"
REDIRECTS = (301, 302, 303, 307, 308)
NOT_MODIFIED = 304  # the browser had the response; a load gets it whole
MAX_PARAMETERS, MAX_URL_CHARACTERS = 50, 2_000
_FLAG = re.compile(r"(?i)[a-z_-]{1,12}|v?\d{1,4}")  # a query of it alone is no secret: ?debug, ?v2
_NUMBERED = re.compile(r"(?=.{8})(?=.*[^\W\d]).*\d.*")
SECRET_NAME_GAP = "A parameter whose name may be a secret is left out: write it, if it is needed."


@dataclass
class RecordedEndpoint:
    """The entries of one method and path, ids aside, in the order in which they were sent."""

    method: str
    name: str
    entries: list[Entry] = field(default_factory=list)
    urls: dict[Text, int] = field(default_factory=dict)  # in order, with the number of their requests
    gaps: dict[str, None] = field(default_factory=dict)
    _forms: dict[Text, Text] = field(default_factory=dict)

    def add_url(self, url: Text, gaps: Iterable[str]) -> None:
        """Add a URL to draw from; URLs that differ only in the values of secrets count as the first of them."""
        self.gaps |= dict.fromkeys(gaps)
        url = self._forms.setdefault(_form(url), url)
        self.urls[url] = self.urls.get(url, 0) + 1

    @property
    def left_out(self) -> int:
        """The number of requests whose addresses are not drawn, as they have a secret and others have none."""
        plain = [count for url, count in self.urls.items() if not _has_secret(url)]
        return sum(self.urls.values()) - sum(plain) if plain else 0

    def request(self, variables: SecretVariables, cookies: set[str]) -> DraftRequest:
        """The request of a draft; `cookies` are the names of cookies that a user of the load has to bring."""
        first = self.entries[0]
        body, gaps = recorded_bodies.body(first, variables)
        if self.method not in SAFE_METHODS:
            bound = dict.fromkeys(recorded_headers.session_bound(first))
            gaps += [f"Its header {name} is new for each page or session: read it there first." for name in bound]
        return DraftRequest(
            self.method,
            cleaned_name(self.name),
            self._urls(),
            len(self.entries),
            tuple(recorded_headers.headers(first, variables) + recorded_headers.cookie(first, cookies, variables)),
            body,
            not any(entry.status in REDIRECTS for entry in self.entries),
            self._success(),
            tuple(dict.fromkeys([*gaps_of_path(self.name), *self.gaps, *gaps])),
        )

    def _urls(self) -> tuple[Text, ...]:
        """Those that are drawn from: without secrets if there are any."""
        return tuple(url for url in self.urls if not _has_secret(url)) or tuple(self.urls)

    def _success(self) -> dict[str, Any]:
        codes = {200 if entry.status == NOT_MODIFIED else entry.status for entry in self.entries}
        types = {entry.media_type for entry in self.entries if entry.status not in (204, NOT_MODIFIED)}
        is_json = types == {JSON_TYPE} and self.method != "HEAD" and not codes & {204, *REDIRECTS}
        return {"status": sorted(codes), **({"content_type": JSON_TYPE} if is_json else {})}


def endpoints(entries: Iterable[Entry], variables: SecretVariables) -> list[RecordedEndpoint]:
    """The endpoints in the order of their first request. Entries of over-long addresses are left out."""
    by_name: dict[tuple[str, str], RecordedEndpoint] = {}
    for entry in entries:
        name, path = path_templates.template(entry.url.path or "/", variables)
        endpoint = by_name.get((entry.method, name)) or RecordedEndpoint(entry.method, name)
        if len(endpoint.urls) < MAX_URLS:
            query, gaps = _query(entry.url.query, variables)
            url = merged([*path, *query])
            if _is_too_long(name, url):
                continue
            endpoint.add_url(url, gaps)
        endpoint.entries.append(entry)
        by_name[entry.method, name] = endpoint
    return list(by_name.values())


def _form(url: Text) -> Text:
    """The address with the purposes of its variables in their places."""
    return tuple(Variable("", part.purpose) if isinstance(part, Variable) else part for part in url)


def _has_secret(url: Text) -> bool:
    return any(isinstance(part, Variable) for part in url)


def _is_too_long(name: str, url: Text) -> bool:
    characters = sum(len(part) for part in url if isinstance(part, str))
    return len(name.encode(errors="replace")) > MAX_NAME_BYTES or characters > MAX_URL_CHARACTERS


def _query(query: str, variables: SecretVariables) -> tuple[list[str | Variable], list[str]]:
    """The query in parts, with its question mark, and the gaps."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return [], ["Its query has too many parameters and is left out: write it, if it is needed."]
    parts: list[str | Variable] = []
    gaps: list[str] = []
    hidden = secret_by_others(dict(pairs))
    given = [part for part in query.split("&") if part]
    for (name, value), text in zip(pairs, given, strict=True):
        separator = "&" if parts else "?"
        is_bare = not value and ("=" not in text or (len(pairs) == 1 and _NUMBERED.fullmatch(name)))
        if is_bare and not _FLAG.fullmatch(name):
            parts += [separator, variables.variable("query", "a value without a name in a query", name)]
        elif looks_secret(name):
            gaps.append(SECRET_NAME_GAP)
        else:
            is_hidden = value != "" and (name in hidden or is_secret(name, value))
            shown = variables.variable(name, f"the parameter {name} of a query", value) if is_hidden else encoded(value)
            parts += [separator, f"{encoded(name, '[]')}=", shown]
    return parts, gaps
