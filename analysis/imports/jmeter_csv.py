"""JMeter's results as CSV (JTL), with or without a header, with any delimiter and any set of columns.

A row of a transaction controller is a group: it stands for samples that have rows of their own. The time stamp is that
of the send, as `bin/jmeter.properties` sets it (`sampleresult.timestamp.start`); `--timestamps end` is for others.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.errors import UserError
from workbench.imported import FAILURES, SENDS, STATUSES

from . import csv_rows
from .csv_rows import TEXT, WHOLE, quoted
from .import_options import ImportOptions
from .result_file import ResultFile
from .staged_rows import ALL, Reading

# Every column that `jmeter.save.saveservice.*` may write, in the order of the file.
COLUMNS = (
    "timeStamp", "elapsed", "label", "responseCode", "responseMessage", "threadName", "dataType", "success",
    "failureMessage", "bytes", "sentBytes", "grpThreads", "allThreads", "URL", "Filename", "Latency", "Encoding",
    "SampleCount", "ErrorCount", "Hostname", "IdleTime", "Connect",
)  # fmt: skip
# Without a header: the columns that versions since 4.0, 3.0 and 2.x write by themselves, by their number.
WITHOUT_HEADER = (
    (*COLUMNS[:13], "URL", "Latency", "IdleTime", "Connect"),
    (*COLUMNS[:10], "grpThreads", "allThreads", "Latency", "IdleTime", "Connect"),
    (*COLUMNS[:10], "grpThreads", "allThreads", "Latency", "IdleTime"),
    (*COLUMNS[:8], "bytes", "Latency"),
    (*COLUMNS[:4], "threadName", "dataType", "success", "bytes", "Latency"),
)
DELIMITERS = (",", "\t", ";", "|", "^", ":", " ")
_NAME = re.compile(r"[\w %#/]*[A-Za-z%][\w %#/]*")  # of a column of any tool; a number or a time is none
TRANSACTION = "Number of samples in transaction"
_TIME_FORMATS = ("%Y/%m/%d %H:%M:%S.%g", "%Y-%m-%d %H:%M:%S.%g", "%Y-%m-%dT%H:%M:%S.%g", "%m/%d/%Y %H:%M:%S.%g",
                 "%d/%m/%Y %H:%M:%S.%g", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%m/%d/%y %H:%M:%S")  # fmt: skip


def is_header(line: str) -> bool:
    """True for the first line of such a file that has a header."""
    names = set(re.split(r"[^A-Za-z]+", line))
    return not names.isdisjoint(("elapsed", "timeStamp")) and len(names & set(COLUMNS)) > 1


def is_row(line: str) -> bool:
    """True for a line of such a file without a header, whose columns are known by their number."""
    return bool(_columns_of_row(line))


def lack(line: str, options: ImportOptions) -> str:
    """What a header of other names lacks of such a file; empty for any other first line."""
    names = csv_rows.fields(line, options.delimiter or max(DELIMITERS[:4], key=line.count))
    if is_header(line) or options.columns or len(names) < 2 or not all(map(_NAME.fullmatch, names)):
        return ""
    if set(COLUMNS).isdisjoint(names):
        return "has a header with none of JMeter's columns"
    return "has a header without 'elapsed' or 'timeStamp' beside other columns of JMeter"


def read(source: ResultFile, folder: Path, staged: Path, options: ImportOptions) -> Reading:
    """Read the rows. Raises `UserError` where the columns cannot be known, or have no elapsed time."""
    head = source.first_lines()
    delimiter, names = _table(source, head[0], options)
    has_header = is_header(head[0])
    if "elapsed" not in names:
        raise UserError(f"{source.named} has no column elapsed; set jmeter.save.saveservice.time=true in JMeter")
    time_unit, sample = _time_sql(names, head[1:] if has_header else head, delimiter)
    columns = {name: WHOLE if name == "elapsed" or (name == "timeStamp" and not sample) else TEXT for name in names}
    reading = csv_rows.stage(source, folder, staged, columns, _selected(names, time_unit, options),
                             delimiter=delimiter, has_header=has_header)  # fmt: skip
    reading.unknown = _unknown(names)
    reading.notes = [f"time stamps such as {sample!r} are taken as UTC"] if sample else []
    return reading


def _table(source: ResultFile, first: str, options: ImportOptions) -> tuple[str, Sequence[str]]:
    """The delimiter and the names of the columns."""
    if is_header(first):
        delimiter = options.delimiter or _delimiter_of_header(first)
        names: Sequence[str] = csv_rows.names_of(first, delimiter)
    else:
        delimiter, names = _columns_of_row(first, options.delimiter) or ("", ())
        if options.columns:
            delimiter, names = options.delimiter or delimiter or ",", options.columns
    if not names:
        raise UserError(
            f"{source.named} has no header, and no known number of columns; name them: --columns timeStamp,elapsed,…"
        )
    return delimiter, names


def _delimiter_of_header(line: str) -> str:
    """What stands between the first two names of a header."""
    match = re.match(r'\W?\w+"?(\W)', line)
    return match[1] if match else ","


def _columns_of_row(line: str, delimiter: str = "") -> tuple[str, Sequence[str]] | None:
    """The delimiter of a row without a header, and the columns that so many fields are."""
    for candidate in [delimiter] if delimiter else DELIMITERS:
        fields = csv_rows.fields(line, candidate)
        for names in WITHOUT_HEADER:
            row = dict(zip(names, fields, strict=False))
            is_truth = row.get("success", "").lower() in ("true", "false")
            if len(fields) == len(names) and is_truth and row["elapsed"].isdecimal() and row["timeStamp"].isdecimal():
                return candidate, names
    return None


def _time_sql(names: Sequence[str], rows: Sequence[str], delimiter: str) -> tuple[str, str]:
    """SQL of the time stamp in µs, and a time stamp that is no number of ms."""
    if "timeStamp" not in names:
        return "NULL", ""
    fields = csv_rows.fields(rows[0], delimiter) if rows else []
    place = list(names).index("timeStamp")
    sample = fields[place] if place < len(fields) else "0"
    if sample.isdecimal() or not sample:
        return '"timeStamp" * 1000', ""
    return f'epoch_us(try_strptime("timeStamp", {list(_TIME_FORMATS)}))', sample


def _selected(names: Sequence[str], time_us: str, options: ImportOptions) -> Mapping[str, str]:
    """SQL of each staged column."""

    def column(name: str, default: str = "NULL") -> str:
        return f'"{name}"' if name in names else default

    code, message = column("responseCode"), column("responseMessage")
    idle = f"try_cast({column('IdleTime')} AS BIGINT)"
    ok = f"lower({column('success')}) = 'true'"
    if "success" not in names:
        ok = f"try_cast({code} AS INTEGER) BETWEEN 200 AND 399" if "responseCode" in names else "true"
    reason = f"concat_ws(' ', {code}, {message})"
    return {
        "at_us": f"{time_us} - elapsed * 1000" if options.stamps_end else time_us,
        "latency_us": "elapsed * 1000",
        "endpoint": f"coalesce({column('label')}, {quoted(ALL)})",
        "user_name": column("threadName"),
        "status": f"try_cast({code} AS SMALLINT)",
        "ok": f"coalesce({ok}, false)",
        "error": f"coalesce(nullif({column('failureMessage')}, ''), nullif({reason}, ''))",
        "bytes": f"try_cast({column('bytes')} AS BIGINT)",
        "is_group": f"coalesce(starts_with({message}::VARCHAR, {quoted(TRANSACTION)}), false)",
        # Timers are idle time, and no part of the elapsed time. A float cannot overflow.
        "span_us": f"try_cast((elapsed::DOUBLE + coalesce({idle}, 0)) * 1000 AS BIGINT)",
        "samples": f"greatest(try_cast({column('SampleCount')} AS BIGINT), try_cast({column('ErrorCount')} AS BIGINT))",
    }


def _unknown(names: Sequence[str]) -> list[str]:
    lacking = {SENDS: {"timeStamp"}, STATUSES: {"responseCode"}, FAILURES: {"success", "responseCode"}}
    return [fact for fact, columns in lacking.items() if columns.isdisjoint(names)]
