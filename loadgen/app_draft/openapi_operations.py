"""The draft that an OpenAPI document gives: a request for each of its operations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from . import example_bodies
from .draft_request import MAX_NAME_BYTES, MAX_REQUESTS, METHODS, SAFE_METHODS, Draft, DraftRequest, Text, counted
from .endpoint_names import STREAM_GAP, cleaned_name, gaps_of_path, unique_names
from .openapi_document import OpenApiDocument, Place, Table
from .openapi_parameters import COOKIE, HEADER, QUERY, Parameters, name_of
from .openapi_security import Credential, Security
from .request_urls import merged
from .secret_variables import SecretVariables
from .sign_in import is_sign_in
from .sign_in import note as sign_in_note

STREAM, JSON_TYPE = "text/event-stream", "application/json"

Operation = tuple[DraftRequest, list[Credential]]  # a request, and the cookies of a signed-in user that it takes


def draft(document: OpenApiDocument, *, has_own_path: bool = False) -> Draft:
    """The draft; with `has_own_path` the address of the application has a base path itself.

    Raises `UsageError` for a document that has no operation, or is not what OpenAPI describes.
    """
    operations = _Operations(document, "" if has_own_path else document.base_path())
    made = list(operations.requests())
    if not made:
        raise document.error((), "it describes no operation; give another document, or a recording with --har")
    needs_cookie = any(cookies for request, cookies in made if request.is_safe and not request.gaps)
    sign_in = next((request for request, _ in made if needs_cookie and is_sign_in(request)), None)
    requests = [
        request if sign_in else _with_headers(request, [each for each in cookies if each.needed])
        for request, cookies in made
        if request is not sign_in
    ]
    notes = [] if sign_in else sign_in_note(requests, "no task is described as one that needs its cookie")
    return Draft(
        cleaned_name(document.title()) or "Application", document.source, document.address(),
        tuple(unique_names(requests)), sign_in, notes=(*operations.notes, *notes),
    )  # fmt: skip


@dataclass
class _Operations:
    """Makes requests of the operations of a document."""

    document: OpenApiDocument
    base_path: str
    variables: SecretVariables = field(default_factory=SecretVariables)
    notes: list[str] = field(default_factory=list)

    def requests(self) -> Iterator[Operation]:
        """A request for each operation, in the order of the document."""
        security = Security.of_document(self.document)
        left_out = 0
        for number, (path, method, operation, holders) in enumerate(self._described()):
            if number >= MAX_REQUESTS or len(path.encode(errors="replace")) > MAX_NAME_BYTES:
                left_out += 1
            else:
                yield self._request(path, method, operation, holders, security)
        if left_out:
            operations = counted(left_out, "operation")
            self.notes.append(
                f"{operations}: over {MAX_REQUESTS} are too many, paths over {MAX_NAME_BYTES} bytes too long"
            )

    def _described(self) -> Iterator[tuple[str, str, Table, list[tuple[Table, Place]]]]:
        """Each operation: its path, method, description, and the two tables that have its parameters."""
        for path, item, place in self.document.named_tables(self.document.content, "paths", ()):
            if not path.startswith("/"):
                if path.startswith("x-"):
                    continue
                raise self.document.error(place, "a path begins with /; correct the document")
            for method in METHODS:
                at = (*place, method.lower())
                if method != "OPTIONS" and method.lower() in item:
                    operation = self.document.table(item, method.lower(), place)
                    yield path, method, operation, [(item, place), (operation, at)]

    def _request(
        self, path: str, method: str, operation: Table, holders: Sequence[tuple[Table, Place]], security: Security
    ) -> Operation:
        place = holders[1][1]
        parameters = Parameters.of_operation(self.document, holders, self.variables)
        credentials, gaps = security.credentials(operation, place, self.variables)
        parameters.queries += [[merged([f"{each.name}=", *each.text])] for each in credentials if each.place == QUERY]
        urls = parameters.urls(self.base_path + path)
        body, body_gaps = (None, []) if method in SAFE_METHODS else self._body(operation, place)
        types, success = self._success(operation, place, method)
        stream = [STREAM_GAP] if STREAM in types else []
        request = DraftRequest(
            method, cleaned_name(name_of(self.base_path + path)), urls, headers=_headers(parameters.headers), body=body,
            success=success, gaps=(*gaps_of_path(path), *stream, *parameters.gaps, *gaps, *body_gaps),
        )  # fmt: skip
        request = _with_headers(request, [each for each in credentials if each.place == HEADER])
        cookies = {each.name: each for each in credentials if each.place == COOKIE}
        described = {name: Credential(COOKIE, name, text, needed) for name, text, needed in parameters.sessions}
        return request, [*(described | cookies).values()]

    def _body(self, operation: Table, place: Place) -> Any:
        return example_bodies.of_operation(self.document, operation, place, self.variables)

    def _success(self, operation: Table, place: Place, method: str) -> tuple[set[str], dict[str, Any]]:
        """The media types of successful responses, and what counts as a success where the document says it."""
        types: set[str] = set()
        codes, has_others, has_untyped = [], False, False
        for code, response, at in self.document.named_tables(operation, "responses", place):
            if code.isdecimal() and len(code) == 3 and code[0] in "23":
                codes.append(int(code))
            elif not code.isdecimal() and code[:1] in "23d":  # 2XX, default
                has_others = True
            if code[:1] in "2d":
                media = [
                    name.partition(";")[0].strip().lower() for name in self.document.table(response, "content", at)
                ]
                types.update(media)
                has_untyped |= not media
        success: dict[str, Any] = {}
        if codes and not has_others and any(code < 300 for code in codes):
            success["status"] = sorted(set(codes))
        if types == {JSON_TYPE} and not has_untyped and method != "HEAD" and not any(code >= 300 for code in codes):
            success["content_type"] = JSON_TYPE
        return types, success


def _headers(headers: Sequence[tuple[str, Text]]) -> tuple[tuple[str, Text], ...]:
    """The headers, each once; several cookies are one header."""
    by_name: dict[str, Text] = {}
    for name, text in headers:
        is_further = name == "Cookie" and name in by_name
        by_name[name] = merged([*by_name[name], "; ", *text]) if is_further else merged(text)
    return tuple(by_name.items())


def _with_headers(request: DraftRequest, credentials: Sequence[Credential]) -> DraftRequest:
    """The request with credentials in its headers."""
    added = [
        ("Cookie", (f"{each.name}=", *each.text)) if each.place == COOKIE else (each.name, each.text)
        for each in credentials
    ]
    return replace(request, headers=_headers([*request.headers, *added])) if added else request
