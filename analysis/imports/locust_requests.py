"""Locust's log of single requests, as `locust.contrib.csv_request_logger` writes it; the time stamp is of the send."""

from pathlib import Path

from . import csv_rows
from .csv_rows import LONG_NUMBER, NUMBER, TEXT
from .import_options import UNITS_US, ImportOptions
from .result_file import ResultFile
from .staged_rows import Reading

COLUMNS = {
    "timestamp": LONG_NUMBER,
    "request_type": TEXT,
    "name": TEXT,
    "response_time_ms": NUMBER,
    "response_length": TEXT,
    "status_code": TEXT,
    "exception": TEXT,
}
REQUIRED = ("timestamp", "request_type", "response_time_ms")


def is_header(line: str) -> bool:
    """True for the first line of such a file."""
    return not csv_rows.lack(line, REQUIRED, "")


def lack(line: str, options: ImportOptions) -> str:
    """What a first line lacks of such a file; empty for nothing."""
    return csv_rows.lack(line, REQUIRED, "locust-requests")


def read(source: ResultFile, folder: Path, staged: Path, options: ImportOptions) -> Reading:
    """Read the rows; a request without a response time counts, and has no latency."""
    columns = {name: COLUMNS.get(name, TEXT) for name in csv_rows.names_of(source.first_lines()[0])}

    def column(name: str) -> str:
        return name if name in columns else "NULL"

    selected = {
        "at_us": csv_rows.time_sql("timestamp", UNITS_US["s"]),
        "latency_us": "round(response_time_ms * 1000)::BIGINT",
        "endpoint": csv_rows.endpoint_sql("request_type", column("name")),
        "status": csv_rows.status_sql(column("status_code")),
        "ok": f"coalesce({column('exception')}, '') = ''",
        "error": column("exception"),
        "bytes": csv_rows.whole_sql(column("response_length")),
        "is_group": "false",
    }
    return csv_rows.stage(source, folder, staged, columns, selected)
