"""Files that are there whole or not at all: written under another name, renamed when they are complete."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SUFFIX = ".half"


def partial_path(path: Path) -> Path:
    """The name beside `path` under which its content is written; no reader looks at such names."""
    return path.with_name(path.name + SUFFIX)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path to write to; at the end of the block that file takes the name `path`.

    After an error the partial file stays for a look, and what was at `path` before is unchanged.
    """
    partial = partial_path(path)
    yield partial
    partial.replace(path)


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8), or replace it, in one step."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
