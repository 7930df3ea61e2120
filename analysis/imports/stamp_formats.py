"""Detection of the time stamp format of JMeter's CSV: one format for the whole file."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import duckdb

from .csv_rows import quoted

# In the order in which they are preferred where nothing in the file speaks for one of them.
_DATES = ("%Y/%m/%d", "%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y")
_TIMES = (" %H:%M:%S.%f", " %H:%M:%S", " %H:%M:%S,%f", " %I:%M:%S %p")
_ISO_TIMES = [time.replace(" ", mark) + zone for time in _TIMES[:3] for mark in " T" for zone in ("", "Z", "%z")]
CANDIDATES = tuple(
    dict.fromkeys(date + time for date in _DATES for time in (_ISO_TIMES if date == "%Y-%m-%d" else _TIMES))
)
EARLIEST, LATEST = "TIMESTAMP '1980-01-01'", "TIMESTAMP '2200-01-01'"  # a year of two digits is no year of four
# How JMeter writes the parts.
_LETTERS = {
    "%Y": "yyyy", "%y": "yy", "%m": "MM", "%d": "dd", "%H": "HH", "%I": "hh", "%M": "mm", "%S": "ss", "%f": "SSS",
    "%p": "a", "%z": "XXX",
}  # fmt: skip


class StampFormat(NamedTuple):
    """A format as DuckDB parses it; `is_sure` unless another one reads the file as well."""

    pattern: str
    is_sure: bool

    def note(self, stamp: str) -> str:
        """What was taken of which stamp, for people."""
        shown = self.pattern
        for part, letters in _LETTERS.items():
            shown = shown.replace(part, letters)
        doubt = "" if self.is_sure else "; that of day and month fits as well with the two exchanged"
        zone = "with their offsets" if "%z" in self.pattern else "as UTC"
        return f"time stamps such as {stamp!r} are taken as {shown}, {zone}{doubt}"


def chosen(stamps: Sequence[str], ask: Callable[[str], Sequence[int | None]]) -> StampFormat | None:
    """The format that reads most of the first stamps of a file; None where no one reads any.

    Where several do, `ask` has the values of SQL over `stamp` and `stamp_before`, for all rows of the file: the format
    of the most stamps is taken, then the one under which they ascend most often, then the one of the shortest time.
    """
    fits = _fitting(stamps)
    if len(fits) < 2:
        return StampFormat(fits[0], is_sure=True) if fits else None
    answers = ask(", ".join(f"count({_instant(each)}), {_ascents(each)}, {_span(each)}" for each in fits))
    scores = {
        each: (answers[3 * place] or 0, answers[3 * place + 1] or 0, -(answers[3 * place + 2] or 0))
        for place, each in enumerate(fits)
    }
    best = max(fits, key=scores.__getitem__)
    return StampFormat(best, is_sure=sum(score == scores[best] for score in scores.values()) == 1)


def _fitting(stamps: Sequence[str]) -> list[str]:
    """The candidates that read the most of these stamps."""
    counts = ", ".join(f"count({_instant(each)})" for each in CANDIDATES)
    with duckdb.connect() as database:
        numbers = database.execute(f"SELECT {counts} FROM (SELECT unnest(?) AS stamp)", [list(stamps)]).fetchone() or ()
    most = max(numbers, default=0)
    return [each for each, number in zip(CANDIDATES, numbers, strict=True) if number == most > 0]


def _instant(pattern: str) -> str:
    """SQL of a stamp's time, null for what is none and for a year that is none of a measurement."""
    time = f"try_strptime(stamp, {quoted(pattern)})::TIMESTAMP"
    return f"CASE WHEN {time} BETWEEN {EARLIEST} AND {LATEST} THEN {time} END"


def _ascents(pattern: str) -> str:
    before = _instant(pattern).replace("(stamp,", "(stamp_before,")
    return f"count(*) FILTER ({_instant(pattern)} >= {before})"


def _span(pattern: str) -> str:
    return f"epoch_us(max({_instant(pattern)})) - epoch_us(min({_instant(pattern)}))"
