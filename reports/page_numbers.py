"""Reading a page of an experiment: its numbers, each with the source that it names (see `numerals`), and its parts."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from workbench.errors import UserError

from .page_maker import MADE_WITH
from .page_parts import Kind, Part, parts_of, source_parts

MAX_BYTES = 20_000_000


class PageNumber(NamedTuple):
    """A piece of text with digits, and its source; an empty source is a defect of the page."""

    source: str
    text: str


class Page(NamedTuple):
    """A page: its parts in their order, and what it says of its experiment and of what made it."""

    parts: tuple[Part, ...]
    experiment: str
    digest: str
    made_with: Mapping[str, str]

    @property
    def numbers(self) -> tuple[PageNumber, ...]:
        """The numbers in their order."""
        return tuple(PageNumber(part.place, part.text) for part in self.parts if part.kind is Kind.NUMBER)


def read(path: Path) -> Page:
    """Read a page. Raises `UserError` for a file that is no page of an experiment."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{path} is too large to be a page of this workbench")
        parts, sources = parts_of(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as a page: {error}") from None
    try:
        content = json.loads(sources)
        experiment, digest = str(content["experiment"]), str(content["digest"])
        made_with = {str(name): str(version) for name, version in dict(content.pop(MADE_WITH, {})).items()}
        return Page((*parts, *source_parts(content)), experiment, digest, made_with)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise UserError(f"{path} is no page of an experiment: it does not name one") from None


def without_source(page: Page) -> Iterator[str]:
    """Yield the texts with digits that name no source."""
    yield from (number.text for number in page.numbers if not number.source)
