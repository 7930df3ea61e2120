"""Commands that are shown to be typed next: they have to work in the folder in which they are shown."""

import shlex
import sys
from pathlib import Path

from .paths import REPOSITORY


def python() -> str:
    """The interpreter that runs this, quoted for a shell: relative to the current folder where it is below it."""
    program = Path(sys.executable or "python3")
    below = program.is_relative_to(Path.cwd())
    text = str(program.relative_to(Path.cwd())) if below else str(program)
    return shlex.quote(text if "/" in text or not below else f"./{text}")


def file(path: Path) -> str:
    """A file, quoted for a shell: absolute outside the repository, where the next command may be typed elsewhere."""
    return shlex.quote(str(path if _is_in_repository() else path.absolute()))


def make(*words: str) -> str:
    """`make` with these words, and with the repository where this is not the current folder."""
    place = [] if _is_in_repository() else ["-C", str(REPOSITORY)]
    return shlex.join(["make", *place, *words])


def _is_in_repository() -> bool:
    return Path.cwd() == REPOSITORY
