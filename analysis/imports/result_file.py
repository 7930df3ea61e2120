"""A file of another tool's results: opened safely, unpacked where it is gzip, read line by line."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from workbench.errors import UserError
from workbench.seal import file_digest

GZIP_MAGIC = b"\x1f\x8b"
GZIP_WINDOW = 31  # of zlib: a header of gzip, and the largest window
HEAD_BYTES = 64 * 1024  # by which a format is recognised
CHUNK_BYTES = 1024 * 1024
MAX_LINE_BYTES = 8 * 1024 * 1024  # a longer line is malformed, whatever it has
MAX_UNPACKED_BYTES = 200 * 2**30


@dataclass(frozen=True)
class ResultFile:
    """A file as its user named it, and where its plain content is; `is_cut` for gzip whose end is missing."""

    named: Path
    plain: Path
    is_cut: bool = False

    @property
    def size(self) -> int:
        return self.named.stat().st_size

    def digest(self) -> str:
        """The SHA-256 of the file as it was named."""
        return file_digest(self.named.resolve())

    def head(self) -> bytes:
        """The beginning of the plain content."""
        with self.plain.open("rb") as file:
            return file.read(HEAD_BYTES)

    def first_lines(self) -> list[str]:
        """The lines of the beginning, at least one, without a byte order mark; bytes that are no UTF-8 are replaced.

        The first one is whole up to `MAX_LINE_BYTES`: it may have the body of a response.
        """
        head = self.head()
        if not re.search(rb"[\r\n]", head):
            with self.plain.open("rb") as file:
                head = file.readline(MAX_LINE_BYTES)
        return head.decode(errors="replace").removeprefix("\ufeff").splitlines() or [""]

    def ends_with_newline(self) -> bool:
        """Whether the last line of the plain content is ended."""
        with self.plain.open("rb") as file:
            file.seek(-1, 2)
            return file.read(1) in b"\n\r"

    def lines(self) -> Iterator[tuple[int, str | None]]:
        """Yield each line with its number from 1, without its end; None for one that is too long or no UTF-8."""
        with self.plain.open("rb") as file:
            number = 0
            while line := file.readline(MAX_LINE_BYTES):
                number += 1
                yield number, _text(line)
                while len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                    line = file.readline(MAX_LINE_BYTES)


def open_results(path: Path, folder: Path) -> ResultFile:
    """Open a file; gzip is unpacked into `folder`. Raises `UserError` for what is no file with content."""
    if not path.exists():
        raise UserError(f"{path} is not there; give the path of a file of results")
    if not path.is_file():
        raise UserError(f"{path} is no regular file; give the file that the tool wrote")
    with path.open("rb") as file:
        magic = file.read(len(GZIP_MAGIC))
    opened = _unpacked(path, folder) if magic == GZIP_MAGIC else ResultFile(path, path)
    if not opened.plain.stat().st_size:
        raise UserError(f"{path} is empty; run the tool again, or leave the file out")
    return opened


def _text(line: bytes) -> str | None:
    """A line as text; a byte order mark at its beginning is none of it."""
    if len(line) == MAX_LINE_BYTES:
        return None
    try:
        return line.rstrip(b"\r\n").decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        return None


def _unpacked(path: Path, folder: Path) -> ResultFile:
    """Unpack gzip as far as it is whole. Raises `UserError` where it is damaged inside, or too large."""
    plain, size, is_whole = folder / "unpacked", 0, False
    with path.open("rb") as packed, plain.open("wb") as out:
        try:
            for content, is_end in _contents(packed):
                size, is_whole = size + out.write(content), is_end
                if size > MAX_UNPACKED_BYTES:
                    raise UserError(f"{path} unpacks to over {MAX_UNPACKED_BYTES >> 30} GiB; import a part of it")
        except zlib.error:
            raise UserError(f"{path} is damaged gzip, after {size:,} unpacked bytes; unpack what is whole of it, and "
                            "import that") from None  # fmt: skip
    return ResultFile(path, plain, is_cut=not is_whole)


def _contents(packed: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Yield what a gzip file of one or more members has, and whether a member ends there."""
    unpacker, pending = zlib.decompressobj(wbits=GZIP_WINDOW), packed.read(CHUNK_BYTES)
    while pending:
        yield unpacker.decompress(pending, CHUNK_BYTES), unpacker.eof
        pending = (unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail) or packed.read(CHUNK_BYTES)
        if unpacker.eof:
            if not pending.startswith(GZIP_MAGIC):
                return
            unpacker = zlib.decompressobj(wbits=GZIP_WINDOW)
