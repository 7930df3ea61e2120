"""The end of a file that another process appends to, read as it grows: nothing is read twice, nothing is locked."""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa

from .generator.interface import IN_FLIGHT

CHUNK_BYTES = 4 * 2**20  # in memory at once; a batch that is larger gets twice as much, up to the maximum
MAX_CHUNK_BYTES = 256 * 2**20
SCHEMA_BYTES = 64 * 1024  # more than the schema of the rows has


class Tail:
    """An open file and the position up to which it was used.

    It stays open, so that rows that are on disk can be read after the file was deleted.
    """

    def __init__(self, path: Path):
        self._path = path
        self._file: BinaryIO | None = None
        self._position = 0

    def peek(self, size: int) -> bytes:
        """Up to `size` bytes from the position on; none while the file is not there."""
        if self._file is None:
            with suppress(OSError):
                self._file = self._path.open("rb")
        if self._file is None:
            return b""
        self._file.seek(self._position)
        return self._file.read(size)

    def advance(self, size: int) -> None:
        """Move the position."""
        self._position += size

    def close(self) -> None:
        """Close the file, if it was ever there."""
        if self._file is not None:
            self._file.close()


class Flushed(NamedTuple):
    """A batch of rows as the load generator wrote it, and its requests in flight then; None where not counted."""

    rows: pa.RecordBatch
    in_flight: int | None


class RequestTail:
    """The request rows of one process of the load generator (`requests-<pid>.arrows`), as they come.

        tail = RequestTail(directory / "requests-4711.arrows")
        list(tail.new())  # the whole batches that were appended since the last call

    What follows the last whole batch is left for the next call. A stream that cannot be decoded yields nothing more.
    """

    def __init__(self, path: Path):
        self._tail = Tail(path)
        self._schema = b""  # the first bytes of the stream: without them no batch can be decoded

    def new(self) -> Iterator[Flushed]:
        """Yield the batches that were appended; at most a chunk of them is in memory."""
        size = CHUNK_BYTES if self._has_schema() else 0
        while 0 < size <= MAX_CHUNK_BYTES:
            chunk, used = self._tail.peek(size), 0
            for flushed, decoded in self._decoded(chunk):
                used = decoded
                yield flushed
            self._tail.advance(used)
            if len(chunk) < size:
                return
            if not used:
                size *= 2

    def close(self) -> None:
        """Close the file."""
        self._tail.close()

    def _has_schema(self) -> bool:
        """Read the schema if it was not read yet; False while it is not there."""
        if not self._schema:
            source = pa.BufferReader(chunk := self._tail.peek(SCHEMA_BYTES))
            with suppress(pa.ArrowException, OSError):
                pa.ipc.open_stream(source)
                self._schema = chunk[: _position(source)]
                self._tail.advance(len(self._schema))
        return bool(self._schema)

    def _decoded(self, chunk: bytes) -> Iterator[tuple[Flushed, int]]:
        """Yield each whole batch of a chunk, and the bytes of the chunk that are used by then."""
        source = pa.BufferReader(self._schema + chunk)
        with suppress(StopIteration, pa.ArrowException, OSError):
            stream = pa.ipc.open_stream(source)
            while True:
                batch, metadata = stream.read_next_batch_with_custom_metadata()
                yield Flushed(batch, _in_flight(metadata)), _position(source) - len(self._schema)


def _position(source: pa.BufferReader) -> int:
    return source.seek(0, io.SEEK_CUR)


def _in_flight(metadata: Mapping[bytes, bytes] | None) -> int | None:
    value = (metadata or {}).get(IN_FLIGHT, b"")
    return int(value) if value.isdigit() else None


class LineTail:
    """The JSON objects of a file, a line each, as they come; a line without its end is left for the next call."""

    def __init__(self, path: Path):
        self._tail = Tail(path)

    def new(self) -> Iterator[dict[str, Any]]:
        """Yield the objects of the lines that were appended; a line that is none is left out."""
        whole, newline, _ = self._tail.peek(CHUNK_BYTES).rpartition(b"\n")
        self._tail.advance(len(whole) + len(newline))
        for line in io.BytesIO(whole):
            with suppress(ValueError):
                if isinstance(value := json.loads(line), dict):
                    yield value

    def close(self) -> None:
        """Close the file."""
        self._tail.close()
