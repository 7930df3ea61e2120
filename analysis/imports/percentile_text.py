"""Percentiles of an HdrHistogram as text (`.hgrm`), also within what wrk2 prints with `--latency`.

A `.hgrm` does not say its unit; wrk2 prints milliseconds.
"""

import re
from pathlib import Path

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
WRK2 = "Detailed Percentile spectrum"
WRK2_UNIT = "ms"


def is_head(head: str) -> bool:
    """True for the beginning of such a text."""
    return any(_HEADER.fullmatch(line) for line in head.splitlines())


def read(source: ResultFile, folder: Path, staged: Path, options: ImportOptions) -> Reading:
    """Read the first table. Raises `UserError` where the unit is not known, or no row is there."""
    factor = UNITS_US[_unit(source, options)]
    reading = value_rows.reading()
    steps, footer = _table(source, reading)
    if not steps:
        raise UserError(f"{source.named} has no row of percentiles below its header; write it again")
    total = int(match[1]) if (match := _TOTAL.search(footer)) else None
    reading.truncated = source.is_cut or total is None or total != steps[-1].cumulative
    mean = float(match[1]) * factor if (match := _MEAN.search(footer)) and not reading.truncated else None
    steps = [Step(step.cumulative, step.value * factor) for step in steps]
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


def _table(source: ResultFile, reading: Reading) -> tuple[list[Step], str]:
    """The rows below the first header, and the lines that begin with `#` behind them."""
    steps: list[Step] = []
    footer: list[str] = []
    is_inside = False
    for number, line in source.lines():
        text = line or ""
        if _HEADER.fullmatch(text):
            if is_inside:
                reading.notes.append(f"only the first table was read, and not that of line {number:,}")
                break
            is_inside = True
        elif not is_inside or (footer and not text.startswith("#")):
            continue
        elif text.startswith("#"):
            footer.append(text)
        elif not text.strip():
            continue
        elif (match := _ROW.fullmatch(text)) and (not steps or int(match[3]) >= steps[-1].cumulative):
            steps.append(Step(int(match[3]), float(match[1])))
        else:
            reading.add_malformed(number)
    return steps, "\n".join(footer)
