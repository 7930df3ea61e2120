"""Recordings as they show themselves: as text in a terminal, as HTML in a notebook.

Latencies are of the successful responses, so their tables have the failures beside them, by kind.
"""

from collections.abc import Sequence
from functools import partial
from math import inf, isnan
from typing import Any

import pandas as pd

from .text_cleaning import MAX_CHARACTERS, MAX_NAME_CHARACTERS, Target, cleaned

DASH = "–"
MAX_OPEN_ROWS = 40  # of a table that is not folded
KINDS = "failures_by_kind"  # the last column of a table in which anything failed
MEANS = {"mean_ms": "sent_mean_ms", "response_mean_ms": "sent_response_mean_ms"}  # with those of what was sent


def text(lines: Sequence[str], table: pd.DataFrame) -> str:
    """The lines, and the table below them."""
    rows = [] if table.empty else [_printable(table).to_string(index=False, na_rep=DASH)]
    return "\n".join([*(cleaned(line, Target.LINE) for line in lines), *rows])


def html(lines: Sequence[str], table: pd.DataFrame) -> str:
    """The lines as paragraphs, the first one bold, and the table below them; a long one is folded."""
    first, *others = (cleaned(line, Target.HTML) for line in lines)
    below = "" if table.empty else _printable(table).to_html(index=False, na_rep=DASH, border=0)
    if len(table) > MAX_OPEN_ROWS:
        below = f"<details><summary>{len(table)} rows</summary>{below}</details>"
    return "".join([f"<p><strong>{first}</strong></p>", *(f"<p>{line}</p>" for line in others), below])


class FoldedTable:
    """A table in groups that fold, with every text in full.

    column: the rows with one value of it form a group
    wanted: the value of the only group that is shown; all if empty
    """

    def __init__(self, table: pd.DataFrame, column: str, wanted: str = ""):
        self._groups = {
            str(value): rows.drop(columns=column)
            for value, rows in table.groupby(column, sort=False)
            if wanted in ("", value)
        }
        self._known = ", ".join(map(str, table[column].unique()))

    def __repr__(self) -> str:
        return "\n".join(text([self._summary(value)], rows) for value, rows in self._groups.items()) or self._nothing()

    def _repr_html_(self) -> str:
        groups = [
            f"<details><summary>{cleaned(self._summary(value), Target.HTML)}</summary>{_whole_table(rows)}</details>"
            for value, rows in self._groups.items()
        ]
        return "".join(groups) or f"<p>{cleaned(self._nothing(), Target.HTML)}</p>"

    def _summary(self, value: str) -> str:
        return f"{value}: {len(self._groups[value])}"

    def _nothing(self) -> str:
        return f"There is none; there are {self._known or 'no rows at all'}."


def _whole_table(rows: pd.DataFrame) -> str:
    """The rows as HTML; texts wrap in their cells, and none is cut."""
    with pd.option_context("display.max_colwidth", None):
        table = _printable(rows, MAX_CHARACTERS).to_html(index=False, na_rep=DASH, border=0, justify="left")
    return table.replace("<td>", '<td style="text-align: left; white-space: normal; min-width: 6em">')


def _printable(table: pd.DataFrame, limit: int = MAX_NAME_CHARACTERS) -> pd.DataFrame:
    """The table with its texts on one line each: endpoints have names of the target. Kinds of failures are clean."""
    return table.apply(lambda column: column if column.name == KINDS else column.map(partial(_printable_cell, limit)))


def _printable_cell(limit: int, value: Any) -> Any:
    if value is pd.NA:  # of a column of counts, which the options of pandas for missing values leave as it is
        return DASH
    return cleaned(value, Target.LINE, limit) if isinstance(value, str) else value


def with_failures(table: pd.DataFrame, counts: Sequence[str], times: Sequence[str], digits: int = 2) -> pd.DataFrame:
    """The columns `counts` and `times` (ms) of a table of aggregates, rounded; the last column has failures by kind.

    It is left out where nothing failed. A time that reaches into dropped arrivals is shown by `bounded_text`.
    """
    shown = table[[*counts, *times]].round(digits)
    for name in times:
        if (shown[name] == inf).any():
            shown[name] = [bounded_text(row[name], row[bound_of(name)], digits) for _, row in table.iterrows()]
    if not table["failures"].any():
        return shown
    return shown.assign(**{KINDS: table["failure_kinds"].astype(object).fillna(DASH)})


def bound_of(name: str) -> str:
    """The column with what is known of a time that is infinity: the mean of what was sent, or the largest observed."""
    return MEANS.get(name, "response_max_ms" if name.startswith("response_") else "max_ms")


def bounded_text(value: float, bound: float, digits: int) -> str:
    """A time (ms) as text: `> x` for infinity, x being the bound; a dash where nothing is known."""
    if value == inf and not isnan(bound):
        return f"> {bound:.{digits}f}"
    return DASH if isnan(value) or value == inf else f"{value:.{digits}f}"


def seconds_form(value_s: float) -> str:
    """The `str.format` template that shows two digits of a duration: `25 s`, `6.0 s`, `0.39 s`."""
    return "{:.2f} s" if value_s < 0.995 else "{:.1f} s" if value_s < 9.95 else "{:,.0f} s"


def seconds_text(value_s: float) -> str:
    """A duration with two digits, the same wherever a report shows it."""
    return seconds_form(value_s).format(value_s)


def milliseconds_form(value_ms: float) -> str:
    """The `str.format` template that shows a latency: `2.7 ms`, `1,152 ms`."""
    return "{:.1f} ms" if value_ms < 9.95 else "{:,.0f} ms"
