"""Names of endpoints: what they say of a request, and that each is its own."""

import re
from collections.abc import Iterable
from dataclasses import replace

from workbench.text_cleaning import Target, cleaned

from .draft_request import DraftRequest

MAX_CHARACTERS = 150
STREAM_GAP = "Its response is a stream without an end."
_SESSION_END = re.compile(r"(?i)(?:log|sign)[-_]?(?:out|off)")


def cleaned_name(name: str) -> str:
    """A name in one line, of a length that a table can show."""
    return cleaned(name, Target.LINE, MAX_CHARACTERS)


def unique_names(requests: Iterable[DraftRequest]) -> list[DraftRequest]:
    """The requests, with a number behind the name of each that has the endpoint of another."""
    taken: set[str] = set()
    unique = []
    for request in requests:
        name, number = request.name, 2
        while f"{request.method} {name}" in taken:
            name, number = f"{request.name} ({number})", number + 1
        taken.add(f"{request.method} {name}")
        unique.append(replace(request, name=name))
    return unique


def gaps_of_path(path: str) -> list[str]:
    """Why a request to a path cannot be sent, each a sentence; empty where it can."""
    return ["It ends the session, after which other requests fail."] if _SESSION_END.search(path) else []
