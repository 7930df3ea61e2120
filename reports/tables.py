"""Tables and the first screen of the report, as HTML that a screen reader can follow."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from numbers import Real
from typing import Any

import pandas as pd

from .markup import Html, escaped
from .numerals import PUBLISHED, SECTION, marked


class Verdict(Enum):
    """Verdict of a finding, in a table a pill. Its text is always printed: colour only repeats it.

    No string, because pandas would turn a column of strings into plain text.
    """

    PASS = "pass"
    FAIL = "fail"
    NOT_MEASURED = "not measured"
    NONE = "no verdict"
    IMPROVEMENT = "improvement"
    REGRESSION = "regression"
    EQUIVALENT = "equivalent"
    INCONCLUSIVE = "inconclusive"
    VALID = "valid"
    INVALID = "invalid"
    REPORTED = "reported"
    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    FOLLOW = "follow"
    DO_NOT_FOLLOW = "do not follow"
    HOLDS = "holds"
    DOES_NOT_HOLD = "does not hold"
    FLAT = "flat"
    GROWS = "grows"
    FALLS = "falls"

    def pill(self) -> str:
        """The verdict as a pill, in HTML."""
        return f'<span class="pill {self.value.replace(" ", "-")}">{self.value}</span>'


PUBLISHED_COLUMN = re.compile(r"published( mean)?( \(\w+\))?", re.IGNORECASE)
MAX_COLUMNS = 5  # of a table that fits the page; on a phone its rows become blocks


class Quantity(float):
    """A number with the `str.format` template of its text, for columns whose rows have different units."""

    form: str

    def __new__(cls, value: float, form: str) -> "Quantity":
        quantity = super().__new__(cls, value)
        quantity.form = form
        return quantity

    @classmethod
    def optional(cls, value: float | None, form: str) -> "Quantity | None":
        """Return a quantity, or None where the value is missing."""
        return None if value is None or pd.isna(value) else cls(value, form)

    def __str__(self) -> str:
        return self.form.format(float(self))


Format = str | Callable[[Any], str]


def table(
    frame: pd.DataFrame,
    caption: str,
    *,
    note: str = "",
    formats: Mapping[str, Format] | None = None,
    max_columns: int = MAX_COLUMNS,
) -> Html:
    """Render `frame` as one table: a row for each of its rows, named by the first column; the index is not shown.

    Units belong in the column names. `formats` gives for a column either a `str.format` template ("{:,.0f} ms") or a
    function from the value to its text. Without one, numbers get as many decimals as the largest number of their column
    needs, and a `Quantity` its own format. Columns of numbers, and empty ones, are aligned right. A missing value is a
    dash, which a screen reader speaks as its reason, a `Verdict` is a pill, an `Html` is shown as it is. Every text is
    escaped.

    A table of at most `max_columns` columns fits the page, and its rows become blocks on a phone; a wider one scrolls.
    A column without a value is left out; a table without rows, or with no value beside their names, is nothing.

    Raises ValueError for a column without a name and for a format without its column.
    """
    if frame.empty:
        return Html("")
    names = [str(name) for name in frame.columns]
    formats = formats or {}
    _check(names, formats)
    kept = [name for i, name in enumerate(names) if i == 0 or not all(map(_is_missing, frame.iloc[:, i]))]
    if len(kept) == 1 < len(names):
        return Html("")
    frame, names = frame.loc[:, kept], kept
    columns = [_Column.from_series(name, frame.iloc[:, i], formats.get(name)) for i, name in enumerate(names)]
    is_stacked = len(columns) <= max_columns
    rows = [_row(columns, position, is_stacked=is_stacked) for position in range(len(frame))]
    head = "".join(column.head() for column in columns)
    return _framed(caption, head, rows, note=note, is_stacked=is_stacked)


def _framed(caption: str, head: str, rows: Sequence[str], *, note: str, is_stacked: bool) -> Html:
    """The table with its caption, in a region that is stacked or scrolls, and its note below."""
    below = f"{remark(note)}\n" if note else ""
    scroll = f'<div class="scroll" role="group" tabindex="0" aria-label="{escaped(caption)}">'
    region = '<div class="stack">' if is_stacked else scroll
    return Html(
        f'<div class="table">\n{region}\n<table role="table" data-source="{SECTION}">\n'
        f"<caption><span>{escaped(caption)}</span></caption>\n"
        f'<thead role="rowgroup">\n<tr role="row">{head}</tr>\n</thead>\n'
        f'<tbody role="rowgroup">\n{"".join(rows)}</tbody>\n</table>\n</div>\n{below}</div>'
    )


def remark(text: str) -> Html:
    """A remark in small print."""
    return Html(f'<p class="note">{_shown(text)}</p>')


def folded(summary: str, content: Html) -> Html:
    """Details under a summary line that opens them with a click, without a script; nothing for no content."""
    if not str(content).strip():
        return Html("")
    return Html(f"<details>\n<summary>{_shown(summary)}</summary>\n{content}\n</details>")


def cards(items: Sequence[tuple[str, Html, Html]]) -> Html:
    """A card (label, value, detail) for each metric; three or four fill a row."""
    content = "".join(
        f'<div><dt>{_shown(label)}</dt><dd class="value">{value}</dd><dd class="detail">{detail}</dd></div>\n'
        for label, value, detail in items
    )
    return Html(f'<dl class="cards">\n{content}</dl>')


def behind(*parts: tuple[str, Html]) -> Html:
    """One fold with everything behind a section, each part under its heading; parts without content are left out."""
    present = [(heading, content) for heading, content in parts if str(content).strip()]
    if not present:
        return Html("")
    content = "\n".join(f"<h3>{_shown(heading)}</h3>\n{part}" for heading, part in present)
    return folded(f"Behind this: {present[0][0]}{' …' if len(present) > 1 else ''}", Html(content))


def headline(items: Sequence[tuple[str, object, str]], verdict: str) -> Html:
    """The first screen of a run's page: the verdict as one sentence, then a card (label, value, detail) a metric.

    A value is a text with its unit, or a `Verdict`; None is a dash.
    """
    shown = [(label, Html(_text(value, str)), Html(_shown(detail))) for label, value, detail in items]
    return Html(f'<section aria-label="Verdict">\n<p class="verdict">{_shown(verdict)}</p>\n{cards(shown)}\n</section>')


@dataclass(frozen=True)
class _Column:
    """A column of the table: its name, its values, the function from a value to its text, and its alignment."""

    name: str
    values: list[object]
    to_text: Callable[[Any], str]
    is_right: bool

    @classmethod
    def from_series(cls, name: str, series: pd.Series, form: Format | None) -> "_Column":
        values = series.tolist()
        present = [value for value in values if not _is_missing(value)]
        numbers = [value for value in present if _is_number(value)]
        if form is None:
            plain = len(numbers) == len(present) and not any(isinstance(value, Quantity) for value in numbers)
            form = _number_format(numbers) if numbers and plain else str
        return cls(name, values, form.format if isinstance(form, str) else form, bool(numbers) or not present)

    def head(self) -> str:
        return f'<th scope="col" role="columnheader"{self._class()}>{escaped(self.name)}</th>'

    def cell(self, position: int, tag: str, *, is_stacked: bool) -> str:
        value = self.values[position]
        # On a phone a row becomes a block, and each cell carries the name of its column.
        label = (f' role="cell" data-label="{escaped(self.name)}"' if tag == "td" else ' role="rowheader"') * is_stacked
        source = f' data-source="{PUBLISHED}"' if self._is_published() else ""
        content = _text(value, self.to_text)
        end = f"</{tag.split()[0]}>"
        if _is_missing(value):
            spoken = f'<span aria-hidden="true">{content}</span><span class="spoken">{self._missing()}</span>'
            return f"<{tag}{self._class('missing')}{label}>{spoken}{end}"
        return f"<{tag}{self._class()}{label}{source}>{content}{end}"

    def _is_published(self) -> bool:
        """True for a column of published values, which names nothing else: `published`, `published mean (ms)`."""
        return bool(PUBLISHED_COLUMN.fullmatch(self.name))

    def _missing(self) -> str:
        return "not published" if self._is_published() else "not measured"

    def _class(self, *more: str) -> str:
        names = " ".join([*(["number"] if self.is_right else []), *more])
        return f' class="{names}"' if names else ""


def _row(columns: Sequence[_Column], position: int, *, is_stacked: bool) -> str:
    cells = [
        column.cell(position, "td" if i else 'th scope="row"', is_stacked=is_stacked)
        for i, column in enumerate(columns)
    ]
    return f'<tr role="row">{"".join(cells)}</tr>\n'


def _shown(text: str) -> str:
    """A text of the page's own, whose numbers are settings."""
    return str(marked(text))


def _text(value: object, to_text: Callable[[Any], str]) -> str:
    """The escaped content of a cell."""
    if _is_missing(value):
        return "–"
    if isinstance(value, Html):
        return value.text
    if isinstance(value, Verdict):
        return value.pill()
    return escaped(to_text(value))


def _check(names: Sequence[str], formats: Mapping[str, Format]) -> None:
    if not all(name.strip() for name in names):
        raise ValueError("every column of a table needs a name")
    unknown = sorted(set(formats) - set(names))
    if unknown:
        raise ValueError(f"formats for columns that the table does not have: {', '.join(unknown)}")


def _is_missing(value: Any) -> bool:
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _number_format(numbers: Sequence[Any]) -> str:
    """The format with as many decimals as show three digits of the largest number; none when all are integers."""
    if all(float(number).is_integer() for number in numbers):
        return "{:,.0f}"
    largest = max(abs(number) for number in numbers)
    return "{:,.0f}" if largest >= 100 else "{:,.1f}" if largest >= 10 else "{:,.2f}"
