"""k6's points as CSV (`--out csv`): each request is a row of the metric `http_req_duration`.

Its time stamp is when the request ended, in seconds unless `K6_CSV_TIME_FORMAT` says otherwise. The duration has
neither connecting nor TLS.
"""

from pathlib import Path

from workbench.errors import UserError

from . import csv_rows
from .csv_rows import NUMBER, TEXT, quoted
from .import_options import ImportOptions
from .result_file import ResultFile
from .staged_rows import ALL, Reading

METRIC, FIRST, REQUIRED = "http_req_duration", "metric_name", ("metric_name", "timestamp", "metric_value")
COARSE = "time stamps are whole seconds: rates over time are coarse (k6 writes finer ones with K6_CSV_TIME_FORMAT)"
_SECONDS_DIGITS, _UNITS = (
    11,
    ((14, 1_000), (17, 1), (20, 0.001)),
)  # digits of a stamp in s; of ms, µs, ns with µs of one


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
    end_us, is_coarse = _end_sql(source, csv_rows.fields(head[1], ",") if len(head) > 1 else [], names)
    kinds = {"metric_value": NUMBER, "timestamp": TEXT if end_us.startswith("epoch") else NUMBER}
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


def _end_sql(source: ResultFile, row: list[str], names: list[str]) -> tuple[str, bool]:
    """SQL of the end of a request in µs by the form of the first time stamp, and whether that is whole seconds."""
    stamp = row[names.index("timestamp")] if len(row) == len(names) else "0"
    if not stamp.isdecimal():
        return 'epoch_us(try_cast("timestamp" AS TIMESTAMPTZ))', "." not in stamp
    if len(stamp) <= _SECONDS_DIGITS:
        return '"timestamp" * 1000000', True
    factor = next((factor for digits, factor in _UNITS if len(stamp) <= digits), None)
    if factor is None:
        raise UserError(f"{source.named}, line 2: {stamp} is no time stamp of k6")
    return f'"timestamp" * {factor}', False


def _selected(names: list[str], end_us: str) -> dict[str, str]:
    def column(name: str) -> str:
        return f'"{name}"' if name in names else "NULL"

    status = f"nullif(try_cast({column('status')} AS SMALLINT), 0)"
    by_status = f"coalesce({status} BETWEEN 200 AND 399, false) AND coalesce({column('error')}, '') = ''"
    name = f"coalesce({column('name')}, {column('url')}, {quoted(ALL)})"
    return {
        "at_us": f"round({end_us} - metric_value * 1000)",
        "latency_us": "round(metric_value * 1000)",
        "endpoint": csv_rows.endpoint_sql(column("method"), name),
        "user_name": column("vu"),
        "status": status,
        "ok": f"coalesce({column('expected_response')} = 'true', {by_status})",
        "error": f"coalesce({column('error')}, 'status ' || {status})",
        "is_group": "false",
    }
