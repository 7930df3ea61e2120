"""The requests of a draft: what OpenAPI documents and recordings give, and what a locustfile is written from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

SAFE_METHODS = ("GET", "HEAD")
METHODS = (*SAFE_METHODS, "POST", "PUT", "PATCH", "DELETE", "OPTIONS")  # the methods of Locust's client
JSON, FORM = "json", "data"  # bodies, by the argument of Locust's client that takes them
# Paths at which applications say whether they are up.
PROBE_PATHS = ("/ready", "/readyz", "/health", "/healthz", "/health/ready", "/ping")
MACHINE_PATHS = (*PROBE_PATHS, "/metrics", "/openapi.json")  # which no user asks for
MAX_REQUESTS = 300  # endpoints of a draft
MAX_NAME_BYTES = 400  # of the name of an endpoint
MAX_URLS = 50  # of an endpoint, one of which is drawn for each request


@dataclass(frozen=True)
class Variable:
    """A variable of the environment in the place of a secret, and its purpose: `the header Authorization`."""

    name: str
    purpose: str


Text = tuple[str | Variable, ...]  # a text in parts


@dataclass(frozen=True)
class Body:
    """The body of a request: its kind, `JSON` or `FORM`, and its content, a value of JSON with `Variable` in it."""

    kind: str
    content: Any


@dataclass(frozen=True)
class DraftRequest:
    """The requests to an endpoint, which is `method` and `name`.

    urls: paths with their queries, percent-encoded; one is drawn for each request
    weight: how often it is sent, in relation to the other requests
    success: what counts as a success, as an entry of `[success]` in a `workbench.toml`
    gaps: why it cannot be sent as it is, and what to do, each a sentence; empty where it can
    """

    method: str
    name: str
    urls: tuple[Text, ...]
    weight: int = 1
    headers: tuple[tuple[str, Text], ...] = ()
    body: Body | None = None
    follows_redirects: bool = True
    success: Mapping[str, Any] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()

    @property
    def endpoint(self) -> str:
        """Its name in the report, as `GET /posts/[id]`."""
        return f"{self.method} {self.name}"

    @property
    def is_of_machines(self) -> bool:
        """Whether machines send it, and no user does: is it up, its metrics, its API."""
        return self.method == "GET" and self.name in MACHINE_PATHS

    @property
    def is_safe(self) -> bool:
        """Whether its method promises to change nothing."""
        return self.method in SAFE_METHODS

    def variables(self) -> Iterator[Variable]:
        """The variables that it needs, in the order in which it has them."""
        for text in (*self.urls, *(text for _, text in self.headers)):
            yield from (part for part in text if isinstance(part, Variable))
        if self.body:
            yield from _variables_in(self.body.content)


@dataclass(frozen=True)
class Draft:
    """What the two files are written from.

    name: that of the application
    source: what was read, to be named in the files; without secrets
    url: the address of the application; empty where it is not known
    sign_in: the request that each user sends first
    pauses_s: recorded pauses between requests, in seconds
    notes: what was left out, each a line
    """

    name: str
    source: str
    url: str
    requests: tuple[DraftRequest, ...]
    sign_in: DraftRequest | None = None
    pauses_s: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
    has_unsafe: bool = False

    def is_active(self, request: DraftRequest) -> bool:
        """Whether a request is sent; others are comments in the locustfile."""
        return not request.gaps and not request.is_of_machines and (request.is_safe or self.has_unsafe)

    def active(self) -> list[DraftRequest]:
        """The requests that are sent, without the one that signs in."""
        return [request for request in self.requests if self.is_active(request)]

    def variables(self) -> list[Variable]:
        """The variables without which no request is sent, each once."""
        needed = ([self.sign_in] if self.sign_in else []) + self.active()
        return list({each.name: each for request in needed for each in request.variables()}.values())


def counted(number: int, noun: str) -> str:
    """A number of things: `1 request`, `2 requests`."""
    return f"{number} {noun}" + "s" * (number != 1)


def _variables_in(content: Any) -> Iterator[Variable]:
    if isinstance(content, Variable):
        yield content
    elif isinstance(content, Mapping):
        for value in content.values():
            yield from _variables_in(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from _variables_in(value)
