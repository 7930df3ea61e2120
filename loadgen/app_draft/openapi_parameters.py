"""The parameters of an OpenAPI operation, as parts of the requests of a draft: of paths, queries and headers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .draft_request import Text
from .example_values import choices, has_own_example
from .openapi_document import OpenApiDocument, Place, Table
from .request_urls import PATH_CHARACTERS, encoded, joined, merged
from .secret_names import has_secret_name
from .secret_values import is_secret
from .secret_variables import SecretVariables

PATH, QUERY, HEADER, COOKIE = "path", "query", "header", "cookie"
DESCRIBED_ELSEWHERE = ("accept", "content-type", "authorization")  # headers that are no parameters
MAX_URLS = 20
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_SESSION = re.compile(r"(?i)auth|login|token|user|ident")
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
HEADER_VALUE = re.compile(r"[ -~]{0,500}")


@dataclass
class Parameters:
    """What the parameters of an operation put into its requests.

    path: the values of each placeholder, percent-encoded
    queries: of each parameter `name=value` for its values, percent-encoded
    headers: names and values; cookies are one of them
    sessions: the cookies that may be those of a signed-in user, with the value and whether a usual request has them
    gaps: a sentence for each parameter that has no value
    """

    path: dict[str, list[Text]] = field(default_factory=dict)
    queries: list[list[Text]] = field(default_factory=list)
    headers: list[tuple[str, Text]] = field(default_factory=list)
    sessions: list[tuple[str, Text, bool]] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    @classmethod
    def of_operation(
        cls, document: OpenApiDocument, holders: Sequence[tuple[Table, Place]], variables: SecretVariables
    ) -> "Parameters":
        """The parameters of a path and its operation, whose own take the place of those of the path."""
        described: dict[tuple[str, str], tuple[Table, Place]] = {}
        for holder, place in holders:
            for parameter, at in document.tables(holder, "parameters", place):
                described[_key(document, parameter, at)] = parameter, at
        parameters = cls()
        for (kind, name), (parameter, at) in described.items():
            if kind == COOKIE and _is_of_session(name):
                variable = variables.variable(name, f"the parameter {name} ({kind})")
                parameters.sessions.append((name, (variable,), _is_sent(kind, name, parameter)))
            elif _is_sent(kind, name, parameter):
                parameters._add(kind, name, parameter, _values(document, parameter, at, kind, name, variables))
        return parameters

    def _add(self, kind: str, name: str, parameter: Table, values: list[list[Text]]) -> None:
        """Add a parameter with its values, each of which may have several texts."""
        if not values and kind != PATH and parameter.get("required") is not True:
            return
        if kind == PATH:
            self.path[name] = [joined(texts, ",") for texts in values]
        elif kind == QUERY:
            is_joined = parameter.get("explode") is False
            self.queries.append([_query(name, texts, is_joined=is_joined) for texts in values or [[("",)]]])
        elif values:
            text = joined(values[0], ",")
            self.headers.append((name, text) if kind == HEADER else ("Cookie", (f"{name}=", *text)))
        if not values and kind != PATH:
            self.gaps.append(f"Its parameter {name} ({kind}) has no example: write its value.")

    def urls(self, template: str) -> tuple[Text, ...]:
        """The paths with queries; as many as the parameter with the most values has."""
        missing = [name for name in _PLACEHOLDER.findall(template) if not self.path.get(name)]
        self.gaps += [f"Its parameter {name} (path) has no example: put a value in the place of {{{name}}}."
                      for name in dict.fromkeys(missing)]  # fmt: skip
        count = min(MAX_URLS, max([1, *map(len, self.path.values()), *map(len, self.queries)]))
        return tuple(dict.fromkeys(self._url(template, number) for number in range(count)))

    def _url(self, template: str, number: int) -> Text:
        parts: list = []
        for index, part in enumerate(_PLACEHOLDER.split(template)):
            values = self.path.get(part) if index % 2 else [(encoded(part, PATH_CHARACTERS),)]
            parts += values[number % len(values)] if values else (f"{{{part}}}",)
        for index, values in enumerate(self.queries):
            parts += ("&" if index else "?", *values[number % len(values)])
        return merged(parts)


def name_of(template: str) -> str:
    """The name of an endpoint, with `[id]` in the place of `{id}`."""
    return _PLACEHOLDER.sub(r"[\1]", template)


def _key(document: OpenApiDocument, parameter: Table, place: Place) -> tuple[str, str]:
    kind, name = parameter.get("in"), parameter.get("name")
    if kind not in (PATH, QUERY, HEADER, COOKIE) or not isinstance(name, str) or not name:
        raise document.error(
            place, "a parameter needs a name, and in: path, query, header or cookie; correct the document"
        )
    return kind, name


def _is_of_session(name: str) -> bool:
    """Whether a cookie may be that of a signed-in user; frameworks describe it as one that may be left out."""
    return HEADER_NAME.fullmatch(name) is not None and (has_secret_name(name) or _SESSION.search(name) is not None)


def _is_sent(kind: str, name: str, parameter: Table) -> bool:
    """Whether a usual request has the parameter; one that may be left out has an example where it is of use."""
    if kind == HEADER and name.lower() in DESCRIBED_ELSEWHERE:
        return False
    return kind == PATH or parameter.get("required") is True or has_own_example(parameter)


def _values(
    document: OpenApiDocument, parameter: Table, place: Place, kind: str, name: str, variables: SecretVariables
) -> list[list[Text]]:
    """The values of a parameter, each a list of texts; empty for none that can be sent."""
    if kind in (HEADER, COOKIE) and not HEADER_NAME.fullmatch(name):
        return []
    given = [value if isinstance(value, list) else [value] for value in choices(document, parameter, place)]
    texts = [text for value in given for text in value]
    if secret := [text for text in texts or [""] if is_secret(name, text)]:
        return [[(variables.variable(name, f"the parameter {name} ({kind})", secret[0]),)]]
    if kind in (PATH, QUERY):
        return [[(encoded(text),) for text in value] for value in given]
    return [[(text,) for text in value] for value in given] if all(map(HEADER_VALUE.fullmatch, texts)) else []


def _query(name: str, texts: Sequence[Text], *, is_joined: bool) -> Text:
    key = encoded(name, "[]")
    if is_joined:
        return merged([f"{key}=", *joined(texts, ",")])
    return joined([(f"{key}=", *text) for text in texts], "&")
