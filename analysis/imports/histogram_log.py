"""HdrHistogram's log (`.hlog`): a compressed histogram for each interval of time, of one or more tags.

All intervals of a tag are added up: an endpoint for each tag. A log does not say the unit of its values.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from workbench.errors import UsageError, UserError

from . import csv_rows, staged_rows, value_rows
from .histogram_encoding import EncodingError, counts
from .import_options import UNITS_US, ImportOptions
from .result_file import ResultFile
from .staged_rows import ALL, Reading, StagedRow

LEGEND, MARK, TAG = '"StartTimestamp"', "HIST", "Tag="
FIELDS = 4  # of a line: start, length, largest value, histogram


def is_head(head: str) -> bool:
    """True for the beginning of such a log."""
    return (head.startswith("#[") and "log format version" in head) or any(map(_is_row, head.splitlines()))


def read(source: ResultFile, folder: Path, staged: Path, options: ImportOptions) -> Reading:
    """Read all intervals. Raises `UserError` where the unit is not known, or no interval can be read."""
    if not options.unit:
        raise UsageError(f"{source.named} does not say the unit of its values; give it: --unit {', '.join(UNITS_US)}")
    reading = value_rows.reading()
    by_tag, problem = _by_tag(source, reading)
    number = sum(sum(values.values()) for values in by_tag.values())
    if not number:
        raise UserError(f"{source.named} has no histogram with a value{problem}")
    value_rows.require_countable(source, number)
    staged_rows.write(_rows(by_tag, UNITS_US[options.unit]), staged)
    return reading


def _by_tag(source: ResultFile, reading: Reading) -> tuple[Mapping[str, Counter[int]], str]:
    """The counts by value of each tag, and what is wrong with the last histogram that could not be read."""
    by_tag: dict[str, Counter[int]] = defaultdict(Counter)
    number, problem = 0, ""
    for number, line in source.lines():
        if line is not None and (not line or line.startswith(("#", LEGEND))):
            continue
        fields = csv_rows.fields(line or "", ",")
        tag = fields.pop(0).removeprefix(TAG) if fields and fields[0].startswith(TAG) else ALL
        try:
            if len(fields) != FIELDS:
                raise EncodingError("is cut off or damaged")
            by_tag[tag].update(dict(counts(fields[-1])))
        except EncodingError as error:
            reading.add_malformed(number)
            problem = f"; that of line {number} {error}"
    reading.end_at(number, source)
    return by_tag, problem


def _rows(by_tag: Mapping[str, Counter[int]], factor: float) -> Iterator[StagedRow]:
    for tag, values in by_tag.items():
        middles = np.array(sorted(values), dtype=float)
        repeats = [values[int(middle)] for middle in middles]
        yield from value_rows.rows(tag, np.repeat(middles * factor, repeats))


def _is_row(line: str) -> bool:
    fields = line.split(",")
    return len(fields) >= FIELDS and fields[-1].startswith(MARK)
