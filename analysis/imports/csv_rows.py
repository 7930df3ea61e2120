"""Tables of comma-separated values, read by DuckDB into staged rows: any number of lines in little memory."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from workbench.errors import UserError

from .csv_lines import MAX_ROW_BYTES, Table, without_open_fields
from .result_file import ResultFile
from .staged_rows import SCHEMA, Reading

MEMORY_LIMIT = "1GB"
# A decimal is bounded, so that what is computed of it fits, and neither NaN nor infinity is one.
TEXT, WHOLE, NUMBER = "VARCHAR", "DECIMAL(15, 0)", "DECIMAL(18, 6)"
LONG_NUMBER = "DECIMAL(38, 9)"  # of a time stamp in any unit
FAR_US = 10**18  # of a time stamp: farther ones are cut to it
_SQL_TYPES = {"int64": "BIGINT", "string": TEXT, "bool": "BOOLEAN"}


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """A database in memory, which works in `folder` beyond its limit."""
    return duckdb.connect(
        config={
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(folder / "spilled"),
            "autoinstall_known_extensions": False,  # nothing is downloaded
        }
    )


def stage(
    source: ResultFile,
    folder: Path,
    staged: Path,
    columns: Mapping[str, str],
    selected: Mapping[str, str],
    *,
    where: str = "true",
    delimiter: str = ",",
    has_header: bool = True,
    time_format: str = "",
) -> Reading:
    """Read a table with these columns and SQL types, and write the `selected` SQL of each staged column.

    A line that has another number of fields, or a value of another type, is malformed; the header itself is not, where
    it comes a second time. Raises `UserError` where the table cannot be read at all.
    """
    table = without_open_fields(source, folder, delimiter, len(columns))
    rows = _reading_sql(table, columns, delimiter, has_header=has_header, time_format=time_format)
    with connect(folder) as database:
        try:
            database.execute(
                f"COPY (SELECT {_selection(selected)} FROM {rows} WHERE {where}) "
                f"TO {quoted(str(staged))} (FORMAT parquet)"
            )
        except (duckdb.IOException, duckdb.OutOfMemoryException):
            raise UserError(f"{source.named} cannot be read in the memory and in {folder}; free some space") from None
        except duckdb.Error:
            raise _refusal(source, len(columns), delimiter) from None
        return _reading(database, source, table, _first_line(source) if has_header else "")


def _refusal(source: ResultFile, columns: int, delimiter: str) -> UserError:
    return UserError(
        f"{source.named} cannot be read as a table of {columns} columns, delimited by {delimiter!r}; "
        "see docs/IMPORTS.md"
    )


def quoted(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def of_all_rows(
    source: ResultFile,
    folder: Path,
    columns: Sequence[str],
    values: str,
    inner: str,
    *,
    delimiter: str,
    has_header: bool,
) -> Sequence[Any]:
    """The values of SQL over the `inner` SQL of each row, in the order of the file; all columns are texts."""
    table = without_open_fields(source, folder, delimiter, len(columns))
    rows = _reading_sql(table, dict.fromkeys(columns, TEXT), delimiter, has_header=has_header)
    with connect(folder) as database:
        try:
            return database.execute(f"SELECT {values} FROM (SELECT {inner} FROM {rows})").fetchone() or ()
        except duckdb.Error:
            raise _refusal(source, len(columns), delimiter) from None


def time_sql(stamp: str, unit_us: float) -> str:
    """SQL of a time stamp in µs; one beyond all times stays so, and can be computed with."""
    bounded = f"round(least(greatest({stamp}::DOUBLE * {unit_us}, -{FAR_US}), {FAR_US}))::BIGINT"
    return f"CASE WHEN {stamp} IS NOT NULL THEN {bounded} END"  # a bound is the greatest of it and null


def whole_sql(column: str) -> str:
    """SQL of the whole number in a text, null for what is none.

    DuckDB takes a cast of a column alone for the type of the column, and rejects the rows that it fails for.
    """
    return f"try_cast(trim(({column})::VARCHAR) AS BIGINT)"


def status_sql(code: str) -> str:
    """SQL of `staged_rows.http_status`."""
    return f"CASE WHEN {whole_sql(code)} BETWEEN 100 AND 599 THEN {whole_sql(code)} END"


def _selection(selected: Mapping[str, str]) -> str:
    kinds = {column.name: _SQL_TYPES[str(column.type)] for column in SCHEMA}
    return ", ".join(f"({selected.get(name, 'NULL')})::{kind} AS {name}" for name, kind in kinds.items())


def _reading_sql(
    table: Table, columns: Mapping[str, str], delimiter: str, *, has_header: bool, time_format: str = ""
) -> str:
    """SQL of the rows of a table, which rejects others; columns that are times have the format.

    Several threads would each guess where a row begins, and take a line within a quoted field for one.
    """
    declared = ", ".join(f"{quoted(name)}: {quoted(kind)}" for name, kind in columns.items())
    times = f"timestampformat={quoted(time_format)}, " if time_format else ""
    return (
        f"read_csv({quoted(str(table.plain))}, auto_detect=false, columns={{{declared}}}, delim={quoted(delimiter)}, "
        f"{times}quote='\"', escape='\"', header={str(has_header).lower()}, store_rejects=true, compression='none', "
        f"parallel={str(not table.has_quotes).lower()}, max_line_size={MAX_ROW_BYTES})"
    )


def _first_line(source: ResultFile) -> str:
    return next((line or "" for _, line in source.lines()), "")


def _reading(database: duckdb.DuckDBPyConnection, source: ResultFile, table: Table, header: str) -> Reading:
    """Count the lines that were rejected or removed; a last one without an end is where the file was cut off."""
    query = (
        "SELECT sum(1 + length(rejected) - length(replace(rejected, chr(10), '')))::BIGINT, min(begin), "
        "max(begin + strlen(rejected)) FROM (SELECT min(line_byte_position) AS begin, "
        "trim(coalesce(min(csv_line), ''), chr(13) || chr(10) || chr(65279)) AS rejected FROM reject_errors "
        "GROUP BY line) WHERE rejected IS DISTINCT FROM ?"
    )
    ((number, first, end),) = database.execute(query, [header]).fetchall()
    firsts = [] if first is None else [table.line_at(first)]
    firsts += [each.number for each in table.removed[:1]]
    reading = Reading((number or 0) + table.malformed, min(firsts, default=None))
    is_last = end is not None and end >= table.plain.stat().st_size - 1
    is_last = is_last or any(each.end == source.plain.stat().st_size for each in table.removed[-1:])
    reading.truncated = source.is_cut or (is_last and not source.ends_with_newline())
    return reading


def fields(line: str, delimiter: str) -> list[str]:
    """The fields of a line of a table."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def names_of(line: str, delimiter: str = ",") -> list[str]:
    """The names in the header of a table, each once: a missing name, or one that comes again, gets its place.

    Names that differ in upper and lower case only are one to DuckDB.
    """
    names = [name.strip() for name in fields(line, delimiter)]
    keys = [name.casefold() for name in names]
    return [name if name and keys[place] not in keys[:place] else f"{name}_{place}" for place, name in enumerate(names)]


def lack(line: str, required: Iterable[str], format_name: str) -> str:
    """What a header lacks of a format, as the end of a sentence about the file; empty where all columns are there."""
    names = names_of(line)
    missing = next((name for name in required if name not in names), "")
    return f"has no column {missing!r} of {format_name}" if missing else ""


def endpoint_sql(method: str, name: str) -> str:
    """SQL of `staged_rows.endpoint`."""
    return f"CASE WHEN starts_with({name}, {method} || ' ') THEN {name} ELSE concat_ws(' ', {method}, {name}) END"
