"""Locust's log of single requests, as `locust.contrib.csv_request_logger` writes it; the time stamp is of the send."""

from pathlib import Path

from . import csv_rows
from .csv_rows import NUMBER, TEXT
from .import_options import ImportOptions
from .result_file import ResultFile
from .staged_rows import Reading

COLUMNS = {
    "timestamp": NUMBER,
    "request_type": TEXT,
    "name": TEXT,
    "response_time_ms": NUMBER,
    "response_length": NUMBER,
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
        "at_us": "round(timestamp * 1000000)",
        "latency_us": "round(response_time_ms * 1000)",
        "endpoint": csv_rows.endpoint_sql("request_type", column("name")),
        "status": f"nullif(try_cast({column('status_code')} AS SMALLINT), 0)",
        "ok": f"coalesce({column('exception')}, '') = ''",
        "error": column("exception"),
        "bytes": column("response_length"),
        "is_group": "false",
    }
    return csv_rows.stage(source, folder, staged, columns, selected)
