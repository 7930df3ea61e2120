"""Addresses of requests in parts: texts that are percent-encoded, and variables between them."""

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from .draft_request import Text, Variable

PATH_CHARACTERS = "/:@!$&'()*+,;=~-._%"  # of a path that may be encoded already


def encoded(text: str, safe: str = "") -> str:
    """A text percent-encoded in UTF-8; what cannot be encoded is replaced."""
    return quote(text, safe=safe, errors="replace")


def merged(parts: Iterable[str | Variable]) -> Text:
    """The parts, with texts that follow each other put together."""
    together: list[str | Variable] = []
    for part in parts:
        if together and isinstance(part, str) and isinstance(last := together[-1], str):
            together[-1] = last + part
        elif part != "":
            together.append(part)
    return tuple(together)


def joined(texts: Sequence[Text], separator: str) -> Text:
    """Several texts as one, with a separator between them."""
    parts: list[str | Variable] = []
    for index, text in enumerate(texts):
        parts += (separator, *text) if index else text
    return merged(parts)
