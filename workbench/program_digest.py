"""A digest of files of the program: what it computed holds for no other program."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from .paths import REPOSITORY

DIGEST_CHARACTERS = 16


def program_digest(paths: Iterable[Path]) -> str:
    """The beginning of a SHA-256 of the names and the contents of these files of the repository."""
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(REPOSITORY).as_posix(), path) for path in paths):
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:DIGEST_CHARACTERS]
