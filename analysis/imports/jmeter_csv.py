"""JMeter's results as CSV (JTL), with or without a header, with any delimiter and any set of columns.

A row of a transaction controller is a group: it stands for samples that have rows of their own. The time stamp is that
of the send, as `bin/jmeter.properties` sets it (`sampleresult.timestamp.start`); `--timestamps end` is for others.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.errors import UserError
from workbench.imported import FAILURES, SENDS, STATUSES

from . import csv_rows, stamp_formats
from .csv_rows import LONG_NUMBER, TEXT, WHOLE, quoted
from .import_options import UNITS_US, ImportOptions
from .result_file import ResultFile
from .staged_rows import ALL, Reading
from .stamp_formats import StampFormat

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
_NUMBER = re.compile(r"\s*[-+]?[\d_.]+(?:[eE][-+]?\d+)?\s*")  # of ms; a date has more than one kind of mark
TRANSACTION = "Number of samples in transaction"


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
    rows = head[1:] if has_header else head
    stamps = _stamps(names, rows, delimiter)
    time_format = _time_format(source, folder, names, stamps, delimiter, has_header=has_header)
    kinds = {"elapsed": WHOLE, "timeStamp": "TIMESTAMP" if time_format else LONG_NUMBER}
    reading = csv_rows.stage(
        source,
        folder,
        staged,
        {name: kinds.get(name, TEXT) for name in names},
        _selected(names, _time_sql(names, time_format), options),
        delimiter=delimiter,
        has_header=has_header,
        time_format=time_format.pattern if time_format else "",
    )
    reading.unknown = _unknown(names)
    reading.notes = [time_format.note(stamps[0])] if time_format else []
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


def _stamps(names: Sequence[str], rows: Sequence[str], delimiter: str) -> list[str]:
    """The time stamps of these rows."""
    if "timeStamp" not in names:
        return []
    place = list(names).index("timeStamp")
    split = (csv_rows.fields(row, delimiter) for row in rows)
    return [fields[place] for fields in split if len(fields) == len(names) and fields[place]]


def _time_format(
    source: ResultFile, folder: Path, names: Sequence[str], stamps: Sequence[str], delimiter: str, *, has_header: bool
) -> StampFormat | None:
    """The format of time stamps; None for numbers of ms. Raises `UserError` for a format that is not known."""
    if 2 * sum(bool(_NUMBER.fullmatch(stamp)) for stamp in stamps) >= len(stamps):
        return None

    def ask(values: str) -> Sequence[int | None]:
        inner = '"timeStamp" AS stamp, lag("timeStamp") OVER () AS stamp_before'
        return csv_rows.of_all_rows(source, folder, names, values, inner, delimiter=delimiter, has_header=has_header)

    if time_format := stamp_formats.chosen(stamps, ask):
        return time_format
    raise UserError(
        f"{source.named} has time stamps such as {stamps[0]!r}, of no known format; "
        "set jmeter.save.saveservice.timestamp_format=ms in JMeter"
    )


def _time_sql(names: Sequence[str], time_format: StampFormat | None) -> str:
    """SQL of the time stamp in µs."""
    if "timeStamp" not in names:
        return "NULL"
    return 'epoch_us("timeStamp")' if time_format else csv_rows.time_sql('"timeStamp"', UNITS_US["ms"])


def _selected(names: Sequence[str], time_us: str, options: ImportOptions) -> Mapping[str, str]:
    """SQL of each staged column."""

    def column(name: str, default: str = "NULL") -> str:
        return f'"{name}"' if name in names else default

    latency_us = "elapsed::BIGINT * 1000"
    code, message = column("responseCode"), column("responseMessage")
    idle = f"try_cast({column('IdleTime')} AS BIGINT)"
    ok = f"lower({column('success')}) = 'true'"
    if "success" not in names:
        ok = f"{csv_rows.whole_sql(code)} BETWEEN 200 AND 399" if "responseCode" in names else "true"
    reason = f"concat_ws(' ', {code}, {message})"
    return {
        "at_us": f"{time_us} - {latency_us}" if options.stamps_end else time_us,
        "latency_us": latency_us,
        "endpoint": f"coalesce({column('label')}, {quoted(ALL)})",
        "user_name": column("threadName"),
        "status": csv_rows.status_sql(code),
        "ok": f"coalesce({ok}, false)",
        "error": f"coalesce(nullif({column('failureMessage')}, ''), nullif({reason}, ''))",
        "bytes": csv_rows.whole_sql(column("bytes")),
        "is_group": f"coalesce(starts_with({message}::VARCHAR, {quoted(TRANSACTION)}), false)",
        # Timers are idle time, and no part of the elapsed time. A float cannot overflow.
        "span_us": f"try_cast((elapsed::DOUBLE + coalesce({idle}, 0)) * 1000 AS BIGINT)",
        "samples": f"greatest(try_cast({column('SampleCount')} AS BIGINT), try_cast({column('ErrorCount')} AS BIGINT))",
    }


def _unknown(names: Sequence[str]) -> list[str]:
    lacking = {SENDS: {"timeStamp"}, STATUSES: {"responseCode"}, FAILURES: {"success", "responseCode"}}
    return [fact for fact, columns in lacking.items() if columns.isdisjoint(names)]
