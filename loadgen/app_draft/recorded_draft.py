"""The draft that a HAR file gives: the endpoints of one host, weighted by how often they were requested."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from math import gcd
from urllib.parse import urlsplit

from . import har_entries, recorded_headers
from .document_source import shown
from .draft_request import MAX_REQUESTS, Draft, DraftRequest, counted
from .endpoint_names import unique_names
from .har_entries import Entry
from .recorded_endpoints import endpoints
from .recorded_pauses import pauses_s
from .secret_variables import SecretVariables
from .sign_in import is_sign_in
from .sign_in import note as sign_in_note

MAX_NAMED_HOSTS, MAX_LISTED_HOSTS = 3, 10
WITH_SECRET = "whose address needs a secret, where the endpoint has addresses without one"
STATIC = "for files such as images and scripts, which --static includes"


def draft(given: str, host: str = "", *, has_static: bool = False) -> Draft:
    """The draft of `host`, or of the host with the most requests; with `has_static` with requests for files too.

    Raises `UsageError` for a file that is no HAR, or has no request that a load can send.
    """
    entries = har_entries.read(given)
    left_out = Counter(filter(None, (_problem(entry, has_static=has_static) for entry in entries)))
    usable = [entry for entry in entries if not _problem(entry, has_static=has_static)]
    origin = _origin(given, usable, host, left_out)
    own = [entry for entry in usable if entry.origin == origin]
    variables = SecretVariables()
    recorded = endpoints(own, variables)
    cookies = recorded_headers.unknown_cookies(entry for entry in entries if entry.origin == origin)
    made = [endpoint.request(variables, cookies) for endpoint in recorded[:MAX_REQUESTS]]
    sign_in = next(filter(is_sign_in, made), None)
    requests = [_without_cookie(request) if sign_in else request for request in made if request is not sign_in]
    sent = sum(len(endpoint.entries) for endpoint in recorded[:MAX_REQUESTS])
    left_out[WITH_SECRET] = sum(endpoint.left_out for endpoint in recorded[:MAX_REQUESTS])
    left_out["of too many endpoints, or too long"] = len(own) - sent
    notes = _notes(left_out) + _other_hosts(usable, origin) + ([] if sign_in else sign_in_note(made))
    return Draft(
        urlsplit(origin).netloc, f"{shown(given)} (HAR)", origin, tuple(unique_names(_in_lowest_terms(requests))),
        sign_in, pauses_s(own), tuple(notes),
    )  # fmt: skip


def _problem(entry: Entry, *, has_static: bool) -> str:
    return entry.problem() or (STATIC if entry.is_static and not has_static else "")


def _origin(given: str, usable: Sequence[Entry], host: str, left_out: Counter[str]) -> str:
    """The origin that the draft is of. Raises `UsageError` where the recording has no request of it."""
    counts = Counter(entry.origin for entry in usable)
    if not counts:
        why = "; ".join(_notes(left_out)) or "it is empty"
        raise har_entries.error(given, "", f"it has no request that a load can send ({why}); record some pages of the "
                                "application")  # fmt: skip
    matching = [origin for origin in counts if host in (origin, urlsplit(origin).netloc, urlsplit(origin).hostname)]
    if host and not matching:
        known = ", ".join(urlsplit(origin).netloc for origin, _ in counts.most_common(MAX_LISTED_HOSTS))
        raise har_entries.error(given, "", f"it has no such request to the host {host}; choose one of {known}")
    return max(matching or counts, key=lambda origin: counts[origin])


def _without_cookie(request: DraftRequest) -> DraftRequest:
    """The request without the cookie that a user gets by signing in."""
    return replace(request, headers=tuple(header for header in request.headers if header[0] != "Cookie"))


def _in_lowest_terms(requests: Sequence[DraftRequest]) -> list[DraftRequest]:
    """The requests with weights that have no common divisor."""
    divisor = reduce(gcd, (request.weight for request in requests), 0) or 1
    return [replace(request, weight=request.weight // divisor) for request in requests]


def _notes(left_out: Counter[str]) -> list[str]:
    return [f"{counted(count, 'request')} {reason}" for reason, count in left_out.most_common() if count]


def _other_hosts(usable: Sequence[Entry], origin: str) -> list[str]:
    others = Counter(urlsplit(entry.origin).netloc for entry in usable if entry.origin != origin)
    if not others:
        return []
    named = ", ".join(host for host, _ in others.most_common(MAX_NAMED_HOSTS))
    more = ", …" if len(others) > MAX_NAMED_HOSTS else ""
    return [f"{counted(others.total(), 'request')} to other hosts ({named}{more}), one of which --host chooses"]
