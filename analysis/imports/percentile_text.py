"""Percentiles of an HdrHistogram as text (`.hgrm`), also within what wrk2 prints with `--latency`.

A `.hgrm` does not say its unit; wrk2 prints milliseconds.
"""

import re
from pathlib import Path
from typing import NamedTuple

from workbench.errors import UsageError, UserError

from . import grouped_values, staged_rows, value_rows
from .grouped_values import Step
from .import_options import UNITS_US, ImportOptions
from .result_file import ResultFile
from .staged_rows import ALL, Reading

_HEADER = re.compile(r'\s*"?Value"?[\s,]+"?Percentile"?[\s,]+"?TotalCount"?[\s,]+"?1/\(1-Percentile\)"?\s*')
_NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_ROW = re.compile(rf"\s*({_NUMBER})[\s,]+({_NUMBER})[\s,]+(\d+)(?:[\s,]+(?:{_NUMBER}|inf|Infinity))?\s*")
_MEAN = re.compile(rf"#\[Mean\s*=\s*({_NUMBER})")
_TOTAL = re.compile(r"#\[Max.*Total count\s*=\s*(\d+)")
LAST = 1.0  # percentile of a whole table
WRK2 = "Detailed Percentile spectrum"
WRK2_UNIT = "ms"


class _Table(NamedTuple):
    """The rows below a header, the lines that begin with `#` behind them, and whether the last row ends a table."""

    steps: list[Step]
    footer: str
    is_csv: bool
    has_last: bool

    def is_cut(self) -> bool:
        """Whether the end is missing. A table of CSV has no footer, but its last percentile is that of all."""
        if self.is_csv:
            return not self.has_last
        total = _TOTAL.search(self.footer)
        return total is None or int(total[1]) != self.steps[-1].cumulative


def is_head(head: str) -> bool:
    """True for the beginning of such a text."""
    return any(_HEADER.fullmatch(line) for line in head.splitlines())


def read(source: ResultFile, folder: Path, staged: Path, options: ImportOptions) -> Reading:
    """Read the first table. Raises `UserError` where the unit is not known, or no row is there."""
    factor = UNITS_US[_unit(source, options)]
    reading = value_rows.reading()
    table = _table(source, reading)
    if not table.steps:
        raise UserError(f"{source.named} has no row of percentiles below its header; write it again")
    reading.truncated = source.is_cut or table.is_cut()
    mean = float(match[1]) * factor if (match := _MEAN.search(table.footer)) and not reading.truncated else None
    steps = [Step(step.cumulative, step.value * factor) for step in table.steps]
    value_rows.require_countable(source, steps[-1].cumulative)
    values_us = grouped_values.spread(steps, steps[0].value, mean)
    staged_rows.write(value_rows.rows(ALL, values_us), staged)
    return reading


def _unit(source: ResultFile, options: ImportOptions) -> str:
    """The unit of the values. Raises `UsageError` where none is known, or another one than that of wrk2 is given."""
    is_of_wrk2 = WRK2 in source.head().decode(errors="replace")
    if is_of_wrk2 and options.unit not in ("", WRK2_UNIT):
        raise UsageError(f"{source.named} is of wrk2, which prints {WRK2_UNIT}, and --unit is {options.unit}")
    if not (unit := options.unit or (WRK2_UNIT if is_of_wrk2 else "")):
        raise UsageError(f"{source.named} does not say the unit of its values; give it: --unit {', '.join(UNITS_US)}")
    return unit


def _table(source: ResultFile, reading: Reading) -> _Table:
    """The first table."""
    steps: list[Step] = []
    footer: list[str] = []
    is_inside = is_csv = has_last = False
    for number, line in source.lines():
        text = line or ""
        if _HEADER.fullmatch(text):
            if is_inside:
                reading.notes.append(f"only the first table was read, and not that of line {number:,}")
                break
            is_inside, is_csv = True, "," in text
        elif not is_inside or (footer and not text.startswith("#")):
            continue
        elif text.startswith("#"):
            footer.append(text)
        elif not text.strip():
            continue
        elif (match := _ROW.fullmatch(text)) and (not steps or int(match[3]) >= steps[-1].cumulative):
            steps.append(Step(int(match[3]), float(match[1])))
            has_last = float(match[2]) == LAST
        else:
            reading.add_malformed(number)
    return _Table(steps, "\n".join(footer), is_csv, has_last)
