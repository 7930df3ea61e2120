"""The request rows of an imported run, made of the staged rows of its file.

Times become µs since the first send, users become numbers in the order of their first send, and texts lose their
secrets. Columns that only the workbench measures are null.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.errors import UserError
from workbench.redaction import redacted
from workbench.request_schema import MEASURE, SCHEMA
from workbench.table_scan import MAX_ROWS_PER_BYTE
from workbench.text_cleaning import ELLIPSIS

from . import csv_rows
from .csv_rows import quoted
from .staged_rows import MAX_TEXT_CHARACTERS

ROWS_PER_GROUP = 100_000
MAX_TEXTS = 1_000  # endpoints, and errors, of one run; rarer ones are counted together
OTHER = {"endpoint": "other endpoints", "error": "other errors"}
NO_REASON = "failed"
MAX_SPAN_US = 30 * 86_400 * 10**6  # of a run, and of a latency; what is longer is no measurement
MAX_BYTES = 2**31 - 1
EARLIEST_US, LATEST_US = 315_532_800 * 10**6, 7_258_118_400 * 10**6  # sends since 1980 and before 2200
YEAR_US = 31_556_952 * 10**6
REPEATED = [field.name for field in SCHEMA if pa.types.is_string(field.type) or pa.types.is_int16(field.type)]
TIMES = [field.name for field in SCHEMA if pa.types.is_int32(field.type) or pa.types.is_int64(field.type)]
_REASON = f"CASE WHEN error IS NULL THEN {quoted(NO_REASON)} ELSE coalesce(errors.shown, {quoted(OTHER['error'])}) END"
_LATENCY = f"CASE WHEN latency_us BETWEEN 0 AND {MAX_SPAN_US} THEN latency_us END"
# SQL of each column that an import may have; the others are null.
_SELECTED = {
    "user": "users.number",
    "endpoint": f"coalesce(endpoints.shown, {quoted(OTHER['endpoint'])})",
    "phase": quoted(MEASURE),
    "start_us": "at_us - {origin}",
    "latency_us": _LATENCY,
    "status": "status",
    "ok": "ok",
    "error": f"CASE WHEN NOT ok THEN {_REASON} END",
    "bytes": f"CASE WHEN bytes BETWEEN 0 AND {MAX_BYTES} THEN bytes END",
}
# Endpoints of groups whose samples are in the file. The first sample that its thread sends after a group began is
# within the group's span, or the file has none of it, as with JMeter's parent samples; that is a setting of the
# controller, so that most of its groups decide. Without times of send, what is no group is taken for the samples.
_DOUBLED = """
SELECT endpoint, count(*) AS number FROM
    (SELECT endpoint, coalesce(user_name, '') AS thread, at_us, span_us FROM {file} WHERE is_group) AS groups
    ASOF LEFT JOIN
    (SELECT coalesce(user_name, '') AS thread, at_us FROM {file} WHERE NOT is_group) AS samples
    ON groups.thread = samples.thread AND groups.at_us <= samples.at_us
GROUP BY endpoint
HAVING 2 * count(*) FILTER (samples.at_us < groups.at_us + span_us OR samples.at_us = groups.at_us) >= count(*)
    OR (count(groups.at_us) = 0 AND EXISTS (FROM {file} WHERE NOT is_group))
"""
_SQL_TYPES = {
    pa.bool_(): "BOOLEAN", pa.int16(): "SMALLINT", pa.int32(): "INTEGER", pa.int64(): "BIGINT", pa.string(): "VARCHAR",
}  # fmt: skip


class RowFacts(NamedTuple):
    """How many rows there are and how many of them were answered, and sentences for people.

    `first_us` is the first send and `last_us` the last end (µs since 1970); null where no send is known. `unplaced` is
    the number of requests that are left out, as they have no time stamp, or one of another age.
    """

    rows: int
    first_us: int | None
    last_us: int | None
    answered: int
    unplaced: int
    notes: list[str]


def write(staged: Path, stored: Path, folder: Path, named: Path) -> RowFacts:
    """Write the rows; `folder` is for work beyond the memory. Raises `UserError` for a file without a request."""
    with csv_rows.connect(folder) as database:
        notes = _create_view(database, staged)
        unplaced = _leave_unplaced_out(database)
        notes += [f"{unplaced:,} requests have no time stamp of their run: left out as malformed"] if unplaced else []
        facts = _facts(database, named, unplaced)
        notes += _create_texts(database)
        _write_rows(database, stored, facts, _options(has_sends=facts.first_us is not None))
        if facts.rows > MAX_ROWS_PER_BYTE * stored.stat().st_size:
            _write_rows(database, stored, facts, _plain_options(has_sends=facts.first_us is not None))
        return facts._replace(notes=notes)


def _write_rows(database: duckdb.DuckDBPyConnection, stored: Path, facts: RowFacts, options: dict[str, Any]) -> None:
    with pq.ParquetWriter(stored, SCHEMA, **options) as writer:
        for batch in _batches(database, facts.first_us or 0):
            writer.write_batch(batch)


def _create_view(database: duckdb.DuckDBPyConnection, staged: Path) -> list[str]:
    """Create the view `kept`: all rows but the groups whose samples are rows too."""
    file = f"read_parquet({quoted(str(staged))})"
    ((rows, groups),) = database.execute(f"SELECT count(*), count(*) FILTER (is_group) FROM {file}").fetchall()
    if not groups:
        database.execute(f"CREATE VIEW kept AS SELECT * FROM {file}")
        return []
    database.execute(f"CREATE TABLE doubled AS {_DOUBLED.format(file=file)}")
    is_kept = "NOT is_group OR endpoint NOT IN (SELECT endpoint FROM doubled)"
    database.execute(f"CREATE VIEW kept AS SELECT * FROM {file} WHERE {is_kept}")
    ((left_out,),) = database.execute("SELECT coalesce(sum(number), 0)::BIGINT FROM doubled").fetchall()
    kept = groups - left_out
    return [
        *([f"{left_out:,} transactions were left out: they stand for samples that are here"] if left_out else []),
        *([f"{_kept(kept, rows)}: the samples that they stand for are not in the file"] if kept else []),
    ]


def _kept(kept: int, rows: int) -> str:
    return "its requests are transactions" if kept == rows else f"{kept:,} of its requests are transactions"


def _leave_unplaced_out(database: duckdb.DuckDBPyConnection) -> int:
    """Create the view `staged` of requests with a time stamp of our age, if most have one; how many are left out."""
    known = f"coalesce(at_us BETWEEN {EARLIEST_US} AND {LATEST_US}, false)"
    ((rows, unplaced),) = database.execute(f"SELECT count(*), count(*) FILTER (NOT {known}) FROM kept").fetchall()
    is_odd = 2 * unplaced < rows
    database.execute(f"CREATE VIEW staged AS SELECT * FROM kept WHERE {known if is_odd else 'true'}")
    return unplaced if is_odd else 0


def _facts(database: duckdb.DuckDBPyConnection, named: Path, unplaced: int) -> RowFacts:
    """Count the rows. Raises `UserError` where there is none, and where their times are not of one run."""
    query = (
        f"SELECT count(*), min(at_us), max(at_us), max(at_us + coalesce({_LATENCY}, 0)), "
        "count(*) FILTER (status IS NOT NULL OR ok), count(at_us), max(samples) FROM staged"
    )
    ((rows, first, last_send, last, answered, sent, samples),) = database.execute(query).fetchall()
    if not rows:
        raise UserError(f"{named} has no request that can be read; give a file with results of requests")
    if samples is not None and samples > 1:
        raise UserError(f"{named} has rows that add up the times of {samples:,} samples, as JMeter's mode Statistical "
                        "writes them; measure with mode=Standard or mode=StrippedBatch")  # fmt: skip
    if sent not in (0, rows):
        raise UserError(f"{named} has {rows - sent:,} of {rows:,} requests without a time stamp; remove them")
    if first is not None and (last_send < EARLIEST_US or first > LATEST_US):
        year = 1970 + first // YEAR_US
        raise UserError(
            f"{named} has time stamps of the year {year}: they are in another unit than its format has; convert them"
        )
    if first is not None and last_send - first > MAX_SPAN_US:
        days = (last_send - first) / 86_400e6
        raise UserError(f"{named} has sends of {days:,.0f} days, and a run takes 30 at most; give one run's results")
    return RowFacts(rows, first, last, answered, unplaced, [])


def _create_texts(database: duckdb.DuckDBPyConnection) -> list[str]:
    """Create the tables of users, endpoints and errors, by what the file has."""
    database.execute(
        "CREATE TABLE users AS SELECT user_name, (row_number() OVER (ORDER BY min(at_us), user_name) - 1)::INTEGER AS "
        "number FROM staged WHERE user_name IS NOT NULL GROUP BY user_name"
    )
    notes = []
    for column, condition in (("endpoint", "true"), ("error", "NOT ok AND error IS NOT NULL")):
        counts = database.execute(
            f"SELECT {column}, count(*) FROM staged WHERE {condition} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MAX_TEXTS}"
        ).fetchall()
        shown = pd.DataFrame({"given": [text for text, _ in counts], "shown": [_shown(text) for text, _ in counts]})
        database.register(f"{column}_texts", shown.astype("str"))
        database.execute(f"CREATE TABLE {column}s AS SELECT * FROM {column}_texts")
        notes += _note_of_others(database, column, condition)
    return notes


def _note_of_others(database: duckdb.DuckDBPyConnection, column: str, condition: str) -> list[str]:
    others = f"{condition} AND {column} NOT IN (SELECT given FROM {column}s)"
    ((number,),) = database.execute(f"SELECT count(DISTINCT {column}) FROM staged WHERE {others}").fetchall()
    return [f"{number:,} rare {column}s are counted together as {OTHER[column]!r}"] if number else []


def _shown(text: str) -> str:
    """A text without secrets, of bounded length."""
    clean = redacted(text)
    return clean if len(clean) <= MAX_TEXT_CHARACTERS else clean[: MAX_TEXT_CHARACTERS - 1] + ELLIPSIS


def _batches(database: duckdb.DuckDBPyConnection, origin_us: int) -> Iterator[pa.RecordBatch]:
    columns = ", ".join(
        f'({_SELECTED.get(field.name, "NULL").format(origin=origin_us)})::{_SQL_TYPES[field.type]} AS "{field.name}"'
        for field in SCHEMA
    )
    rows = database.sql(
        f"SELECT {columns} FROM staged LEFT JOIN users USING (user_name) "
        "LEFT JOIN endpoints ON endpoints.given = endpoint LEFT JOIN errors ON errors.given = error"
    )
    yield from rows.to_arrow_reader(ROWS_PER_GROUP)


def _options(*, has_sends: bool) -> dict[str, Any]:
    """How columns are stored.

    The values of a histogram repeat so often that a reader would take a compressed file of them for one that claims
    more rows than it has: they are stored as they are.
    """
    encoded = dict.fromkeys(TIMES, "DELTA_BINARY_PACKED")
    compressed = dict.fromkeys(SCHEMA.names, "zstd")
    if not has_sends:
        encoded |= {"latency_us": "PLAIN"}
        compressed |= {"latency_us": "none"}
    return {
        "compression": compressed, "use_dictionary": REPEATED, "column_encoding": encoded, "store_schema": False,
    }  # fmt: skip


def _plain_options(*, has_sends: bool) -> dict[str, Any]:
    """How columns are stored where the rows are so regular that a reader would take them for forged.

    A column without a null has four bytes or more of each row.
    """
    options, name = _options(has_sends=has_sends), "start_us" if has_sends else "endpoint"
    return options | {
        "compression": options["compression"] | {name: "none"},
        "use_dictionary": [column for column in REPEATED if column != name],
        "column_encoding": options["column_encoding"] | {name: "PLAIN"},
    }
