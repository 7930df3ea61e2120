"""Vegeta's results as JSON lines or CSV, as `vegeta encode` writes them.

A result is a success with a status from 200 to 399 and without an error.
"""

from pathlib import Path

from . import csv_rows, json_lines, staged_rows
from .csv_rows import TEXT, quoted
from .import_options import ImportOptions
from .json_lines import Object
from .result_file import ResultFile
from .staged_rows import ALL, Reading, StagedRow, http_status, integer
from .time_stamps import epoch_us

# Without a header; later versions append columns, in this order.
COLUMNS = (
    "timestamp", "code", "latency", "bytes_out", "bytes_in", "error", "body", "attack", "seq", "method", "url",
    "headers",
)  # fmt: skip
MIN_COLUMNS = 7
NUMBERS = ("timestamp", "code", "latency", "bytes_out", "bytes_in")
WHOLE = "BIGINT"  # a time in ns needs all of its digits
MIN_STAMP_DIGITS = 18  # of a time in ns since 1970


def is_json_line(line: str) -> bool:
    """True for a result as JSON."""
    result = json_lines.parsed(line)
    return result is not None and {"code", "timestamp", "latency", "bytes_in"} <= result.keys()


def is_csv_row(line: str) -> bool:
    """True for a result as CSV."""
    row = csv_rows.fields(line, ",")
    is_numeric = len(row) >= MIN_COLUMNS and all(field.isdecimal() for field in row[: len(NUMBERS)])
    return is_numeric and len(row[0]) >= MIN_STAMP_DIGITS


def csv_lack(line: str, options: ImportOptions) -> str:
    """What a first line lacks of a result as CSV; empty for nothing."""
    number = len(csv_rows.fields(line, ","))
    return f"has fewer than the {MIN_COLUMNS} columns of vegeta-csv in line 1" if number < MIN_COLUMNS else ""


def read_csv(source: ResultFile, folder: Path, staged: Path, options: ImportOptions) -> Reading:
    """Read a table; its number of columns is that of its first row."""
    number = len(csv_rows.fields(source.first_lines()[0], ","))
    names = [*COLUMNS, *(f"column_{place}" for place in range(len(COLUMNS), number))][:number]
    url = "url" if "url" in names else "NULL"
    method = "method" if "method" in names else "NULL"
    selected = {
        "at_us": "timestamp // 1000",
        "latency_us": "(latency // 500 + 1) // 2",  # rounded, and never too large
        "endpoint": f"coalesce(nullif(concat_ws(' ', {method}, {url}), ''), {quoted(ALL)})",
        "status": csv_rows.status_sql("code"),
        "ok": "code BETWEEN 200 AND 399 AND coalesce(error, '') = ''",
        "error": "coalesce(error, 'status ' || code)",
        "bytes": "bytes_in",
        "is_group": "false",
    }
    columns = {name: WHOLE if name in NUMBERS else TEXT for name in names}
    return csv_rows.stage(source, folder, staged, columns, selected, has_header=False)


def read_json(source: ResultFile, folder: Path, staged: Path, options: ImportOptions) -> Reading:
    """Read an object a line."""
    reading = Reading()
    staged_rows.write(json_lines.rows(source, reading, _row), staged)
    return reading


def _row(result: Object) -> StagedRow | None:
    at_us, latency_us = epoch_us(result.get("timestamp")), integer(result.get("latency"), 0.001)
    if at_us is None or latency_us is None:
        return None
    status, error = http_status(result.get("code")), str(result.get("error") or "")
    name = " ".join(str(result[key]) for key in ("method", "url") if result.get(key))
    is_success = status is not None and 200 <= status <= 399 and not error
    reason = error or f"status {status or 0}"
    return StagedRow(at_us, latency_us, name or ALL, None, status, is_success, reason, integer(result.get("bytes_in")))
