"""Locust's statistics (`--csv NAME`, the file NAME_stats.csv): percentiles and the mean of each endpoint.

Percentiles are of all requests, and Locust rounds them; failures have no times of their own. NAME_failures.csv beside
it gives reasons.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from workbench.errors import UserError

from . import csv_rows, grouped_values, staged_rows, value_rows
from .grouped_values import Step
from .import_options import ImportOptions
from .result_file import ResultFile
from .staged_rows import Reading, StagedRow, integer

FIRST, AGGREGATED = ["Type", "Name", "Request Count"], "Aggregated"
SUFFIX, FAILURES_SUFFIX = "_stats.csv", "_failures.csv"
HISTORY, FAILURES, EXCEPTIONS = (
    ["Timestamp", "User Count", "Type"], ["Method", "Name", "Error"], ["Count", "Message", "Traceback"],
)  # fmt: skip
NUMBERS = (
    "Request Count", "Failure Count", "Average Response Time", "Min Response Time", "Max Response Time",
)  # fmt: skip
REQUIRED = (*FIRST, *NUMBERS)
MISSING = ("", "N/A")
ROUNDED = "Locust rounds percentiles to two digits, and counts failures in them"


def is_header(line: str) -> bool:
    """True for the first line of such a file."""
    return csv_rows.names_of(line)[: len(FIRST)] == FIRST


def lack(line: str, options: ImportOptions) -> str:
    """What a first line lacks of such a file; empty for nothing."""
    return csv_rows.lack(line, REQUIRED, "locust-stats")


def other_file(line: str) -> str:
    """What else of Locust's a file with this first line is; empty for none."""
    names = csv_rows.names_of(line)
    others = {"the history of statistics": HISTORY, "the failures": FAILURES, "the exceptions": EXCEPTIONS}
    return next((name for name, first in others.items() if names[: len(first)] == first), "")


def read(source: ResultFile, folder: Path, staged: Path, options: ImportOptions) -> Reading:
    """Read the endpoints, and the row of all together where there is no other."""
    reading = value_rows.reading(knows_failures=True)
    reading.notes.append(ROUNDED)
    entries = list(_entries(source, reading))
    single = [entry for entry in entries if entry["Name"] != AGGREGATED]
    reasons = _reasons(source.named)
    value_rows.require_countable(source, sum(_count(entry) for entry in single or entries))
    staged_rows.write((row for entry in single or entries for row in _rows(entry, reasons)), staged)
    return reading


def _entries(source: ResultFile, reading: Reading) -> Iterator[dict[str, str]]:
    """Yield the rows that have numbers; any other row is malformed."""
    names: list[str] = []
    number = 0
    for number, line in source.lines():
        fields = csv_rows.fields(line or "", ",")
        entry = dict(zip(names, fields, strict=False))
        if not names:
            names = csv_rows.names_of(line or "")
        elif len(fields) == len(names) and _has_numbers(entry):
            yield entry
        elif line != "":
            reading.add_malformed(number)
    reading.end_at(number, source)


def _has_numbers(entry: Mapping[str, str]) -> bool:
    """Whether all that is read of a row are numbers; a row without requests has no percentiles.

    Locust counts each failure as a request too.
    """
    percentiles = (value for name, value in entry.items() if name.endswith("%") and value not in MISSING)
    if any(integer(value) is None for value in (*(entry.get(name) for name in NUMBERS), *percentiles)):
        return False
    return 0 <= _failures(entry) <= _count(entry)


def _count(entry: Mapping[str, str]) -> int:
    return integer(entry["Request Count"]) or 0


def _failures(entry: Mapping[str, str]) -> int:
    return integer(entry["Failure Count"]) or 0


def _rows(entry: Mapping[str, str], reasons: dict[tuple[str, str], str]) -> Iterator[StagedRow]:
    count, failures = _count(entry), _failures(entry)
    name = staged_rows.ALL if entry["Name"] == AGGREGATED else entry["Name"]
    successes = count - failures
    values_ms = grouped_values.spread(_steps(entry, successes), *_extremes(entry))
    endpoint = staged_rows.endpoint(entry["Type"], name)
    yield from value_rows.rows(endpoint, values_ms * 1000, failures, reasons.get((entry["Type"], entry["Name"])))


def _extremes(entry: Mapping[str, str]) -> tuple[float, float]:
    """The smallest value and the mean (ms)."""
    return float(entry["Min Response Time"]), float(entry["Average Response Time"])


def _steps(entry: Mapping[str, str], count: int) -> list[Step]:
    """The percentiles by the columns that are named so, such as `99.9%`, and the largest value."""
    shares = [(float(name[:-1]) / 100, value) for name, value in entry.items() if name.endswith("%")]
    steps = [Step(round(share * count), float(value)) for share, value in shares if value not in MISSING]
    largest = Step(count, float(entry["Max Response Time"]))
    return [*(step for step in steps if step.cumulative < count), largest]


def _reasons(path: Path) -> dict[tuple[str, str], str]:
    """The most frequent error of each endpoint, from the file of failures beside that of the statistics."""
    failures = path.with_name(path.name.removesuffix(SUFFIX) + FAILURES_SUFFIX)
    if not path.name.endswith(SUFFIX) or not failures.is_file():
        return {}
    try:
        with failures.open(encoding="utf-8", newline="") as file:
            entries = [entry for entry in csv.DictReader(file) if entry.get("Error")]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise UserError(f"{failures} cannot be read; remove it, or repair it") from None
    entries.sort(key=lambda entry: integer(entry.get("Occurrences")) or 0)
    return {(entry.get("Method") or "", entry.get("Name") or ""): entry["Error"] for entry in entries}
