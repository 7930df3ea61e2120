"""A page taken apart: its numbers, verdicts, drawn values, sources, words, elements, drawings, script and style.

Whatever a reader can see of a page, or open on it, is a part of one kind at a place, in the order of the page.
"""

import json
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from html.parser import HTMLParser
from typing import Any, NamedTuple

DIGIT = re.compile(r"\d")
SOURCES = "sources"  # the id of the data block of the page's findings
VOID = {"meta", "br", "hr", "img", "input", "link", "source", "col", "wbr"}
HEAD = "head"  # the place of what stands before the first section
OF_OTHER_PARTS = {"data-source", "class"}  # attributes that say of a text what kind of part it is, and of what source


class Kind(Enum):
    """A kind of part, as a message calls it; messages come in this order."""

    NUMBER = "number"
    VERDICT = "verdict"
    DRAWN_VALUE = "value of a drawing"
    SOURCE = "source"
    TEXT = "text"
    ELEMENT = "element"
    FRAME = "script or style"
    DRAWING = "shape of a drawing"


class Part(NamedTuple):
    """A part of a page. `place` is the source of a number, the name of a source, or the id of a section or figure."""

    kind: Kind
    place: str
    text: str


class PageParts(NamedTuple):
    """The parts of a page in their order, and the text of its data block, empty without one."""

    parts: list[Part]
    sources: str


def parts_of(html: str) -> PageParts:
    """Take a page apart; damaged markup is read as far as it goes."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return PageParts(reader.parts, reader.sources)


def source_parts(sources: Mapping[str, Any]) -> Iterator[Part]:
    """Yield the fields of each finding of the data block, the requests of each burst, and the rest of the block."""
    for name, value in sources.items():
        if name == "findings" and isinstance(value, dict):
            for finding, fields in value.items():
                yield from _fields(finding, fields)
        elif name == "bursts" and isinstance(value, list):
            for number, burst in enumerate(value, start=1):
                yield from _fields(f"burst {number}", burst)
        else:
            yield Part(Kind.SOURCE, name, _json(value))


def _fields(name: str, fields: object) -> Iterator[Part]:
    if not isinstance(fields, dict):
        yield Part(Kind.SOURCE, name, _json(fields))
        return
    for field, value in fields.items():
        rows = value if field == "requests" and isinstance(value, list) else [value]
        yield from (Part(Kind.SOURCE, f"{field} of {name}", _json(row)) for row in rows)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


class _Element(NamedTuple):
    """An open element; `source` is that of the nearest element with one, `text_kind` None where the text decides."""

    tag: str
    source: str = ""
    is_drawing: bool = False
    text_kind: Kind | None = None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[Part] = []
        self.sources = ""
        self._place = HEAD
        self._open = [_Element("")]
        self._is_sources = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in reversed(attrs)}  # of one that is there twice the first counts
        if tag in ("h2", "figure") and values.get("id"):
            self._place = values["id"]
        self._is_sources = tag == "script" and values.get("id") == SOURCES
        around = self._open[-1]
        is_drawing = around.is_drawing or tag == "svg"
        self._add_element(tag, values, is_drawing=is_drawing)
        if tag not in VOID:
            text_kind = around.text_kind or _text_kind(tag, values, is_drawing=is_drawing)
            self._open.append(_Element(tag, values.get("data-source") or around.source, is_drawing, text_kind))

    def _add_element(self, tag: str, values: Mapping[str, str], *, is_drawing: bool) -> None:
        kind = Kind.FRAME if tag == "meta" else Kind.DRAWING if is_drawing else Kind.ELEMENT
        shown = [f'{name}="{value}"' for name, value in sorted(values.items()) if name not in OF_OTHER_PARTS]
        if shown:
            self.parts.append(Part(kind, self._place, " ".join([tag, *shown])))

    def handle_endtag(self, tag: str) -> None:
        self._is_sources = False
        while len(self._open) > 1 and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._is_sources:
            self.sources += data
        elif text := " ".join(data.split()):
            around = self._open[-1]
            kind = around.text_kind or (Kind.NUMBER if DIGIT.search(text) else Kind.TEXT)
            self.parts.append(Part(kind, around.source if kind is Kind.NUMBER else self._place, text))


def _text_kind(tag: str, values: Mapping[str, str], *, is_drawing: bool) -> Kind | None:
    """The kind of the text of an element, and of the elements within it; None where the text decides."""
    if tag in ("script", "style"):
        return Kind.FRAME
    if tag in ("title", "desc"):  # of the page or of a drawing, whose titles have ids; the others are those of marks
        return Kind.DRAWN_VALUE if is_drawing and "id" not in values else Kind.TEXT
    return Kind.VERDICT if "pill" in values.get("class", "").split() else None
