"""Reading the numbers of a page: each with the source that it names, see `numerals`."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

from workbench.errors import UserError

DIGIT = re.compile(r"\d")
SOURCES = "sources"  # the id of the data block of the page's findings
VOID = {"meta", "br", "hr", "img", "input", "link", "source", "col", "wbr"}
WITHOUT_TEXT = {"script", "style", "title", "desc"}
MAX_BYTES = 20_000_000


class PageNumber(NamedTuple):
    """A piece of text with digits, and its source; an empty source is a defect of the page."""

    source: str
    text: str


class Page(NamedTuple):
    """The numbers of a page in their order, and the experiment that it says it shows."""

    numbers: tuple[PageNumber, ...]
    experiment: str
    digest: str


def read(path: Path) -> Page:
    """Read a page. Raises `UserError` for a file that is no page of an experiment."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{path} is too large to be a page of this workbench")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as a page: {error}") from None
    reader = _Reader()
    reader.feed(text)
    try:
        content = json.loads(reader.sources)
        return Page(tuple(reader.numbers), str(content["experiment"]), str(content["digest"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UserError(f"{path} is no page of an experiment: it does not name one") from None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.numbers: list[PageNumber] = []
        self.sources = ""
        self._is_sources = False
        self._open: list[tuple[str, str]] = []  # tag and source of each element around

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._is_sources = tag == "script" and values.get("id") == SOURCES
        if tag not in VOID:
            source = values.get("data-source") or (self._open[-1][1] if self._open else "")
            self._open.append((tag, source))

    def handle_endtag(self, tag: str) -> None:
        self._is_sources = False
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._is_sources:
            self.sources += data
        if DIGIT.search(data) and not any(tag in WITHOUT_TEXT for tag, _ in self._open):
            self.numbers.append(PageNumber(self._open[-1][1] if self._open else "", " ".join(data.split())))


def without_source(page: Page) -> Iterator[str]:
    """Yield the texts with digits that name no source."""
    yield from (number.text for number in page.numbers if not number.source)
