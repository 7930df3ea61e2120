"""The pages of a Parquet file, as their own headers describe them.

A reader allocates what the header of a page says, whatever the metadata at the end of the file claims. A header is a
struct of Thrift's compact protocol, `PageHeader` in parquet.thrift of the Apache Parquet format.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow.parquet as pq

MAX_HEADER_BYTES = 2**16  # minima and maxima are cut to a few bytes by writers
MAX_DEPTH = 8  # of structs in a header; the format has 3
# Plain, dictionary, run lengths and differences of integers: no value of them is larger than its bytes.
BOUNDED_ENCODINGS = frozenset({0, 2, 3, 5, 8})
TRUTH_VALUES, BYTE, INTEGERS, DOUBLE, BINARY, LIST, SET, STRUCT = (1, 2), 3, (4, 5, 6), 7, 8, 9, 10, 12
SIZES = {1: 0, 2: 0, BYTE: 1, DOUBLE: 8}  # a truth value is a part of its field's type, and a byte in a list


class MalformedPage(Exception):
    """A header that is none, or a page in an encoding that no run uses."""


class Page(NamedTuple):
    """A page: its bytes in memory, in the file, and the encoding of its values."""

    uncompressed_bytes: int
    compressed_bytes: int
    encoding: int


def group_bytes(data: Any, group: pq.RowGroupMetaData) -> int:
    """The bytes in memory of the pages of a row group; `data` is the content of the file, as bytes or a map of them.

    Raises `MalformedPage`.
    """
    total = 0
    for number in range(group.num_columns):
        for page in _pages(data, group.column(number)):
            if page.encoding not in BOUNDED_ENCODINGS:
                raise MalformedPage
            total += page.uncompressed_bytes
    return total


def _pages(data: Any, chunk: pq.ColumnChunkMetaData) -> Iterator[Page]:
    offsets = (chunk.data_page_offset, chunk.dictionary_page_offset if chunk.has_dictionary_page else None)
    position = min(filter(None, offsets), default=0)  # an offset of 0 stands for none
    end = position + chunk.total_compressed_size
    if not 0 <= position <= end <= len(data):
        raise MalformedPage
    while position < end:
        page, header_end = _page(data[position : min(end, position + MAX_HEADER_BYTES)])
        position += header_end + page.compressed_bytes
        yield page


def _page(data: bytes) -> tuple[Page, int]:
    """The page whose header these bytes begin with, and where the header ends."""
    try:
        fields, end = _struct(data, 0, 0)
        inner = fields.get(5) or fields.get(7) or fields[8]
        page = Page(fields[2], fields[3], inner[4] if 8 in fields else inner[2])
    except (IndexError, KeyError, TypeError):
        raise MalformedPage from None
    if page.uncompressed_bytes < 0 or page.compressed_bytes < 0:
        raise MalformedPage
    return page, end


# Each of these functions returns what stands at a position, and the position behind it. An experiment has thousands of
# headers, and a reader with a position of its own takes three times as long.
def _struct(data: bytes, position: int, depth: int) -> tuple[dict[int, Any], int]:
    """The fields of a struct by their ids: integers and structs; None for all else."""
    if depth > MAX_DEPTH:
        raise MalformedPage
    fields: dict[int, Any] = {}
    number = 0
    while byte := data[position]:
        position += 1
        if step := byte >> 4:
            number += step
        else:
            number, position = _integer(data, position)
        fields[number], position = _value(data, position, byte & 15, depth)
    return fields, position + 1


def _value(data: bytes, position: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in INTEGERS:
        return _integer(data, position)
    if kind == STRUCT:
        return _struct(data, position, depth + 1)
    if kind == BINARY:
        size, position = _unsigned(data, position)
        return None, position + size
    if kind in (LIST, SET):
        return None, _end_of_list(data, position, depth + 1)
    if kind not in SIZES:
        raise MalformedPage
    return None, position + SIZES[kind]


def _end_of_list(data: bytes, position: int, depth: int) -> int:
    byte = data[position]
    size, position = (byte >> 4, position + 1) if byte >> 4 < 15 else _unsigned(data, position + 1)
    kind = byte & 15
    for _ in range(size):
        data[position]  # raises where a list claims more than there is
        _, position = _value(data, position, BYTE if kind in TRUTH_VALUES else kind, depth)
    return position


def _integer(data: bytes, position: int) -> tuple[int, int]:
    value, position = _unsigned(data, position)
    return value >> 1 ^ -(value & 1), position


def _unsigned(data: bytes, position: int) -> tuple[int, int]:
    byte = data[position]
    if byte < 128:
        return byte, position + 1
    value, shift = byte & 127, 7
    while shift < 64:
        position += 1
        byte = data[position]
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position + 1
        shift += 7
    raise MalformedPage
