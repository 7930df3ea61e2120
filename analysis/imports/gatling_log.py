"""Gatling's `simulation.log` as text, of versions 2 and 3: tab-separated records, of which REQUEST has a request.

Versions of Gatling place the groups, and older ones the user, before the name; start, end and status come after it.
Newer versions write a binary log, which is refused.
"""

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from workbench.imported import STATUSES

from . import staged_rows
from .import_options import ImportOptions
from .result_file import ResultFile
from .staged_rows import Reading, StagedRow

REQUEST, OK, FAILED = "REQUEST", "OK", "KO"
RECORDS = ("RUN", "USER", REQUEST, "GROUP", "ERROR", "ASSERTION", "ACTION")
OLD_REQUEST_FIELDS = 3  # versions 2.0 to 2.2 begin a record with scenario and user: the kind is the third field
OLD_TIMES = 4
MIN_FIELDS_BEFORE_STATUS, MILLISECONDS_DIGITS = 4, 13
BINARY = "begins with bytes that are no text, as the log of Gatling 3.11 and later does"
REMEDY = "give the log of an older Gatling, or convert it to text or to JTL"


def is_line(line: str) -> bool:
    """True for a record of such a log."""
    fields = line.split("\t")
    return len(fields) > 1 and (fields[0] in RECORDS or (len(fields) > 2 and fields[2] in RECORDS))


def read(source: ResultFile, folder: Path, staged: Path, options: ImportOptions) -> Reading:
    """Read the requests."""
    reading = Reading(unknown=[STATUSES])
    staged_rows.write(_rows(source, reading), staged)
    return reading


def _rows(source: ResultFile, reading: Reading) -> Iterator[StagedRow]:
    """Yield the requests. A line behind a message of several lines is a part of that message, and not malformed."""
    number, is_continued = 0, False
    for number, line in source.lines():
        fields = (line or "").split("\t")
        if line and not is_line(line):
            if not is_continued:
                reading.add_malformed(number)
        elif REQUEST in fields[:OLD_REQUEST_FIELDS]:
            row = _row(fields)
            is_continued = row is not None and not row.ok
            if row:
                yield row
            else:
                reading.add_malformed(number)
        else:
            is_continued = is_continued or fields[0] == "ERROR"
            if line is None:
                reading.add_malformed(number)
    reading.end_at(number, source)


def _row(fields: list[str]) -> StagedRow | None:
    """The request of a record: two or, in old versions, four times stand between its name and its status.

    A name may look like a time.
    """
    number = 2 if fields[0] == REQUEST else OLD_TIMES
    for place in range(MIN_FIELDS_BEFORE_STATUS, len(fields)):
        times = list(takewhile(_is_time, reversed(fields[max(0, place - number) : place])))
        if fields[place] in (OK, FAILED) and len(times) > 1:
            start_us, end_us = int(times[-1]) * 1000, int(times[0]) * 1000
            name = fields[place - len(times) - 1]
            message = " ".join(fields[place + 1 :]).strip()
            latency_us = end_us - start_us if end_us >= start_us else None
            return StagedRow(start_us, latency_us, name, None, None, fields[place] == OK, message or None)
    return None


def _is_time(text: str) -> bool:
    return text.isdecimal() and len(text) == MILLISECONDS_DIGITS
