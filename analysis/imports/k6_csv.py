"""k6's points as CSV (`--out csv`): each request is a row of the metric `http_req_duration`.

Its time stamp is when the request ended, in seconds unless `K6_CSV_TIME_FORMAT` says otherwise. The duration has
neither connecting nor TLS.
"""

import re
from pathlib import Path

from workbench.errors import UserError

from . import csv_rows
from .csv_rows import LONG_NUMBER, NUMBER, TEXT, quoted
from .import_options import UNITS_US, ImportOptions
from .result_file import ResultFile
from .staged_rows import ALL, Reading

METRIC, FIRST, REQUIRED = "http_req_duration", "metric_name", ("metric_name", "timestamp", "metric_value")
COARSE = "time stamps are whole seconds: rates over time are coarse (k6 writes finer ones with K6_CSV_TIME_FORMAT)"
_UNIT_OF_DIGITS = ((11, "s"), (14, "ms"), (17, "us"), (20, "ns"))  # of a stamp: at most so many digits
_NUMBER = re.compile(r"\d{1,20}(\.\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")
ZONED = "TIMESTAMPTZ"


def is_header(line: str) -> bool:
    """True for the first line of such a file."""
    return all(name in csv_rows.names_of(line) for name in REQUIRED)


def lack(line: str, options: ImportOptions) -> str:
    """What a first line lacks of such a file; empty for nothing."""
    return csv_rows.lack(line, REQUIRED, "k6-csv")


def read(source: ResultFile, folder: Path, staged: Path, options: ImportOptions) -> Reading:
    """Read the rows of the metric; every other metric is left out."""
    head = source.first_lines()
    names = csv_rows.names_of(head[0])
    rows = (csv_rows.fields(line, ",") for line in head[1:])
    stamps = [row[names.index("timestamp")] for row in rows if len(row) == len(names)]
    end_us, kind, is_coarse = _end_sql(source, stamps)
    kinds = {"metric_value": NUMBER, "timestamp": kind}
    reading = csv_rows.stage(
        source,
        folder,
        staged,
        {name: kinds.get(name, TEXT) for name in names},
        _selected(names, end_us),
        where=f"metric_name = {quoted(METRIC)}",
    )
    reading.notes = [COARSE] if is_coarse else []
    return reading


def _end_sql(source: ResultFile, stamps: list[str]) -> tuple[str, str, bool]:
    """By the form of the first time stamp: SQL of the end of a request in µs, its type, and if it is whole seconds.

    Raises `UserError` where no stamp has a known form.
    """
    stamp = next((each for each in stamps if _DATE.match(each) or _NUMBER.fullmatch(each)), "")
    if stamps and not stamp:
        raise UserError(
            f"{source.named} has time stamps such as {stamps[0]!r}, of no format of k6; "
            "run it with K6_CSV_TIME_FORMAT=unix_milli"
        )
    if _DATE.match(stamp):
        return 'epoch_us("timestamp")', ZONED, "." not in stamp
    whole, _, fraction = stamp.partition(".")
    unit = next(unit for digits, unit in _UNIT_OF_DIGITS if len(whole) <= digits)
    return csv_rows.time_sql('"timestamp"', UNITS_US[unit]), LONG_NUMBER, unit == "s" and not fraction


def _selected(names: list[str], end_us: str) -> dict[str, str]:
    def column(name: str) -> str:
        return f'"{name}"' if name in names else "NULL"

    latency_us = "round(metric_value * 1000)::BIGINT"
    status = csv_rows.status_sql(column("status"))
    by_status = f"coalesce({status} BETWEEN 200 AND 399, false) AND coalesce({column('error')}, '') = ''"
    user_of_metadata = f"nullif(regexp_extract({column('metadata')}::VARCHAR, '(?:^|&)vu=([^&]*)', 1), '')"
    name = f"coalesce({column('name')}, {column('url')}, {quoted(ALL)})"
    return {
        "at_us": f"{end_us} - {latency_us}",
        "latency_us": latency_us,
        "endpoint": csv_rows.endpoint_sql(column("method"), name),
        "user_name": f"coalesce({column('vu')}, {user_of_metadata})",
        "status": status,
        "ok": f"coalesce({column('expected_response')} = 'true', {by_status})",
        "error": f"coalesce({column('error')}, 'status ' || {status})",
        "is_group": "false",
    }
