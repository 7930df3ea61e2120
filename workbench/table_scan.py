"""A look at every value of a recorded table: rows without a value, and values that no run can have recorded.

The size of what is read is known before anything is read, from the file's metadata and from the headers of its pages: a
few bytes of Parquet can stand for billions of rows, or for one text that fills the memory.
"""

import mmap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from . import parquet_pages
from .columns import MAX_TEXT_BYTES, Column

MAX_ROWS_PER_BYTE = 4  # a request takes four bytes or more, a reading of a pool at least half a byte
MAX_GROUP_BYTES = 512 * 2**20  # of a row group, uncompressed; the recorder's have about 30 MiB
MAX_CELLS = 10**8  # of a table that is read into memory as a whole


class UnreadableTable(Exception):
    """A table that must not be read, or cannot be; the message completes "<file> …"."""


@dataclass
class Scan:
    """What a table has: its schema, the number of rows, and by column those without a value or with an impossible one.

    `contradictions` counts the requests whose `ok` does not agree with their `error`.
    """

    schema: pa.Schema
    rows: int = 0
    nulls: dict[str, int] = field(default_factory=dict)
    impossible: dict[str, int] = field(default_factory=dict)
    contradictions: int = 0


def scan(
    path: Path, columns: Sequence[Column], is_usable: Callable[[pa.Schema, Column], bool], max_cells: int | None = None
) -> Scan:
    """Read every page of the usable ones of these columns of a table.

    Raises `UnreadableTable` if it is damaged, claims more than a run can have made, or has more than `max_cells`.
    """
    texts = [column.name for column in columns if pa.types.is_string(column.type)]
    try:
        with _open(path, texts) as file:
            _require_possible(file.metadata, file.schema_arrow.names, path)
            result = Scan(file.schema_arrow)
            usable = [column for column in columns if is_usable(result.schema, column)]
            if max_cells is not None and file.metadata.num_rows * len(usable) > max_cells:
                raise UnreadableTable(f"has {file.metadata.num_rows:,} rows, more than fit into memory")
            for batch in file.iter_batches(columns=[column.name for column in usable], use_threads=False):
                _add(result, batch, usable)
            if usable and result.rows != file.metadata.num_rows:
                raise UnreadableTable("has another number of rows than it claims")
            result.rows = file.metadata.num_rows
    except (OSError, pa.ArrowException, MemoryError):
        raise UnreadableTable("is empty, cut short, damaged or no Parquet") from None
    pa.default_memory_pool().release_unused()  # some 100 MiB, which Arrow would keep for its next table
    return result


def _open(path: Path, texts: list[str]) -> pq.ParquetFile:
    """Open a table whose columns of texts are read as dictionaries, because a long text may be that of every row."""
    try:
        return pq.ParquetFile(path, read_dictionary=texts, pre_buffer=False)
    except KeyError:  # it lacks one of them, or has it with another type
        schema = pq.read_schema(path)
        present = [name for name in texts if name in schema.names and pa.types.is_string(schema.field(name).type)]
        return pq.ParquetFile(path, read_dictionary=present, pre_buffer=False)


def _require_possible(metadata: pq.FileMetaData, names: Sequence[str], path: Path) -> None:
    """Raise `UnreadableTable` for a table that has, or claims, more than a run can have written."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    size_bytes = path.stat().st_size
    if len(set(names)) < len(names):
        raise UnreadableTable("has a column twice")
    if sum(group.num_rows for group in groups) != metadata.num_rows:
        raise UnreadableTable("claims another number of rows than it has")
    if metadata.num_rows > MAX_ROWS_PER_BYTE * size_bytes:
        raise UnreadableTable(f"claims {metadata.num_rows:,} rows, more than a run can write into its size")
    chunks = [group.column(number) for group in groups for number in range(group.num_columns)]
    if sum(chunk.total_compressed_size for chunk in chunks) > size_bytes:
        raise UnreadableTable("claims more bytes than it has")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            is_too_large = any(parquet_pages.group_bytes(content, group) > MAX_GROUP_BYTES for group in groups)
        except parquet_pages.MalformedPage:
            raise UnreadableTable("has a page that no run writes") from None
    if is_too_large:
        raise UnreadableTable(f"has a group of rows above {MAX_GROUP_BYTES // 2**20} MiB, more than a run writes")


def _add(result: Scan, batch: pa.RecordBatch, columns: Sequence[Column]) -> None:
    result.rows += len(batch)
    for column in columns:
        values = batch.column(column.name)
        if values.null_count:
            result.nulls[column.name] = result.nulls.get(column.name, 0) + values.null_count
        if number := _impossible(values, column):
            result.impossible[column.name] = result.impossible.get(column.name, 0) + number
    names = batch.schema.names
    if "ok" in names and "error" in names:
        result.contradictions += _contradictions(batch.column("ok"), batch.column("error"))


def _impossible(values: Any, column: Column) -> int:
    """The number of values beyond the column's bounds, not finite, too long, or none of its words."""
    if isinstance(values, pa.DictionaryArray):
        unfit = [not _fits(text, column) for text in _texts(values.dictionary)]
        return sum(unfit[index] for index in values.indices.to_pylist() if index is not None) if any(unfit) else 0
    if pa.types.is_boolean(values.type) or values.null_count == len(values):
        return 0
    if pa.types.is_integer(values.type):
        ends: Any = pc.min_max(values)
        if column.smallest <= ends[0].as_py() and ends[1].as_py() <= column.largest:
            return 0
    numbers: Any = values.cast(pa.float64(), safe=False)
    within: Any = pc.and_(
        pc.greater_equal(numbers, pa.scalar(float(column.smallest))),
        pc.less_equal(numbers, pa.scalar(float(column.largest))),
    )
    return len(values) - values.null_count - (pc.sum(within).as_py() or 0)


def _texts(dictionary: Any) -> Iterator[bytes | None]:
    """The texts as bytes; None in place of one that is too long, which is never copied."""
    lengths = pc.binary_length(dictionary).to_pylist()
    for number, length in enumerate(lengths):
        yield dictionary[number].as_buffer().to_pybytes() if length is not None and length <= MAX_TEXT_BYTES else None


def _fits(text: bytes | None, column: Column) -> bool:
    if text is None:
        return False
    try:
        word = text.decode()
    except UnicodeDecodeError:
        return False
    return not column.words or word in column.words


def _contradictions(ok: Any, error: Any) -> int:
    differs: Any = pc.not_equal(ok, pc.is_null(error))
    return pc.sum(differs).as_py() or 0
