"""The arms of an import by their options: `NAME=FILE[,FILE…]`, a file for each block."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from workbench.errors import UsageError
from workbench.paths import is_id

FORM = "it looks like NAME=FILE, or NAME=FILE,FILE for several blocks"
MAX_BLOCK = 1_000


class ResultArm(NamedTuple):
    """An arm, and its file of each block; blocks count from 0 here, and from 1 for people."""

    name: str
    files: Mapping[int, Path]


def parse(options: Sequence[str], blocks: Sequence[int] = ()) -> list[ResultArm]:
    """The arms of options, the first one the baseline; one that comes again goes on.

    `blocks` are the numbers of the blocks in the order of the files; without any they count from 1. An empty place
    stands for a block without the arm. Raises `UsageError` for what is no arm, and for a block twice.
    """
    places: dict[str, list[str]] = {}
    for option in options:
        name, equals, files = option.partition("=")
        if not equals or not is_id(name) or not files:
            raise UsageError(f"--arm {option!r} is no arm; {FORM}")
        places.setdefault(name, []).extend(_files(files))
    _require_blocks(places, blocks)
    numbers = [block - 1 for block in blocks] or range(max(map(len, places.values()), default=0))
    return [
        ResultArm(name, {block: Path(file) for block, file in zip(numbers, files, strict=False) if file})
        for name, files in places.items()
    ]


def _files(text: str) -> Iterator[str]:
    """The files of an option; a name with a comma is one file where that is there."""
    yield from [text] if Path(text).exists() else (file.strip() for file in text.split(","))


def _require_blocks(places: Mapping[str, Sequence[str]], blocks: Sequence[int]) -> None:
    if not places:
        raise UsageError(f"give at least one --arm; {FORM}")
    if not_blocks := [block for block in blocks if not 1 <= block <= MAX_BLOCK]:
        raise UsageError(f"--block {not_blocks[0]} is no number of a block, from 1 to {MAX_BLOCK}")
    if len(set(blocks)) < len(blocks):
        raise UsageError("--block has a number twice; give each block once")
    for name, files in places.items():
        if not any(files):
            raise UsageError(f"--arm {name} has no file; {FORM}")
        if blocks and len(files) != len(blocks):
            raise UsageError(f"arm {name} has {len(files)} files, and --block has {len(blocks)} numbers; give one of "
                             "each, and leave a place empty for a block without the arm")  # fmt: skip
