"""Repair of a table before it is read: lines with a quoted field that is never closed are removed.

A reader would look for the end of such a field in the rows below, and take all that is between for one text. A field of
several lines stays as it is where it makes a row of the table.
"""

import csv
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from .result_file import CHUNK_BYTES, ResultFile

MAX_ROW_BYTES = 2 * 1024 * 1024  # of a row with all its lines; DuckDB reads sixteen times as much at once
PIECE_BYTES = 16 * CHUNK_BYTES
_NEWLINE, _QUOTE = b"\n"[0], b'"'[0]
csv.field_size_limit(MAX_ROW_BYTES)  # a message may be longer than the 128 KiB of Python's own limit


class Removed(NamedTuple):
    """Lines that are no part of a row: the number of the first one from 1, how many, and their bytes."""

    number: int
    lines: int
    begin: int
    end: int


class Table(NamedTuple):
    """A file to read, and the lines of the original that are not in it."""

    plain: Path
    removed: list[Removed]
    has_quotes: bool

    @property
    def malformed(self) -> int:
        return sum(each.lines for each in self.removed)

    def line_at(self, position: int) -> int:
        """The number in the original, from 1, of the line at a byte of the file to read."""
        with self.plain.open("rb") as file:
            number = 1 + sum(piece.count(b"\n") for piece in _pieces(file, 0, position))
        for each in self.removed:
            if each.number > number:
                break
            number += each.lines
        return number


def without_open_fields(source: ResultFile, folder: Path, delimiter: str, columns: int) -> Table:
    """A table of so many columns whose rows all end: the file itself, or a copy in `folder` where lines are left out.

    A copy has one kind of line ends, as DuckDB refuses two. A CR within a line is a space there.
    """
    scan = _Scan(delimiter, columns)
    removed: list[Removed] = []
    with source.plain.open("rb") as file:
        for each in scan.removed_of(file):
            if removed and removed[-1].end == each.begin:
                number, lines, begin, _ = removed.pop()
                removed.append(Removed(number, lines + each.lines, begin, each.end))
            else:
                removed.append(each)
        if not scan.newlines or not (removed or scan.has_mixed_ends()):
            return Table(source.plain, [], scan.has_quotes)
        plain = folder / "whole.csv"
        _copy(file, plain, removed, is_mixed=scan.has_mixed_ends())
    return Table(plain, removed, scan.has_quotes)


class _Scan:
    """One pass over the bytes of a file, which also counts its line ends: each LF, CR, and CR with LF."""

    def __init__(self, delimiter: str, columns: int) -> None:
        self._delimiter, self._columns = delimiter, columns
        self.newlines = self._returns = self._pairs = 0
        self.has_quotes = False

    def has_mixed_ends(self) -> bool:
        """Whether there are line ends with and without CR, or CR elsewhere; once the file has been read."""
        return 0 < self._returns < self.newlines or self._pairs < self._returns

    def removed_of(self, file: BinaryIO) -> Iterator[Removed]:
        """Yield the lines that open a field without an end."""
        pending, begin, is_end = b"", 0, False
        while not is_end:
            piece = file.read(PIECE_BYTES)
            is_end, self.has_quotes = not piece, self.has_quotes or b'"' in piece
            content = pending + piece
            whole = len(content) if is_end else content.rfind(b"\n") + 1
            taken = yield from self._of(content[:whole], begin, is_end=is_end)
            if len(content) - taken > PIECE_BYTES + MAX_ROW_BYTES:  # a line without an end: too long for any row
                self.newlines += content.count(b"\n", taken)
                taken = len(content)
            pending, begin = content[taken:], begin + taken

    def _of(self, content: bytes, begin: int, *, is_end: bool) -> Generator[Removed, None, int]:
        """Yield those of some whole lines; returns how many bytes are settled."""
        ends, odd, opens = _quoted_lines(content, self._delimiter)
        starts = np.concatenate(([0], ends[:-1])) if len(ends) else ends
        settled, place = len(content), 0
        while place < len(odd):
            line = odd[place]
            if not opens[line]:
                place += 1
                continue
            start = int(starts[line])
            if place + 1 == len(odd) and not is_end and len(content) - start <= MAX_ROW_BYTES:
                settled = start  # the field may end further below
                break
            last = int(ends[odd[place + 1]]) if place + 1 < len(odd) else len(content) + MAX_ROW_BYTES
            if last - start <= MAX_ROW_BYTES and self._width(content[start:last]) == self._columns:
                place += 2
                continue
            place += 1
            if not self._width(content[start : ends[line]]):  # else the quote is within a field without quotes
                yield Removed(self.newlines + line + 1, 1, begin + start, begin + int(ends[line]))
        self.newlines += content.count(b"\n", 0, settled)
        self._returns += content.count(b"\r", 0, settled)
        self._pairs += content.count(b"\r\n", 0, settled)
        return settled

    def _width(self, row: bytes) -> int:
        """The number of fields of a row; 0 for what is none, or more than one."""
        try:
            return len(next(csv.reader([row.decode(errors="replace")], delimiter=self._delimiter, strict=True), []))
        except csv.Error:
            return 0


def _quoted_lines(content: bytes, delimiter: str) -> tuple[np.ndarray, list[int], np.ndarray]:
    """Where each line ends, which lines have an odd number of quotes, and whether a field of each begins with one."""
    if b'"' not in content:
        return np.empty(0, int), [], np.empty(0, bool)
    values = np.frombuffer(content, np.uint8)
    ends = np.flatnonzero(values == _NEWLINE) + 1
    if values[-1] != _NEWLINE:
        ends = np.append(ends, len(values))
    quotes = np.flatnonzero(values == _QUOTE)
    before = values[np.maximum(quotes - 1, 0)]
    first = quotes[(quotes == 0) | (before == delimiter.encode()[-1]) | (before == _NEWLINE)]
    numbers, firsts = (np.diff(np.searchsorted(places, ends), prepend=0) for places in (quotes, first))
    return ends, np.flatnonzero(numbers % 2).tolist(), firsts > 0


def _copy(file: BinaryIO, plain: Path, removed: list[Removed], *, is_mixed: bool) -> None:
    kept = zip([0, *(each.end for each in removed)], [*(each.begin for each in removed), file.seek(0, 2)], strict=True)
    with plain.open("wb") as out:
        held = b""
        for begin, end in kept:
            for piece in _pieces(file, begin, end):
                text = held + piece
                held = b"\r" if is_mixed and text.endswith(b"\r") else b""
                text = text[: len(text) - len(held)]
                out.write(text.replace(b"\r\n", b"\n").replace(b"\r", b" ") if is_mixed else text)
        out.write(held)


def _pieces(file: BinaryIO, begin: int, end: int) -> Iterator[bytes]:
    """Yield the bytes from `begin` to `end`."""
    file.seek(begin)
    while begin < end and (piece := file.read(min(PIECE_BYTES, end - begin))):
        begin += len(piece)
        yield piece
