"""Seals of recordings: what shows afterwards that a file of a run or of an experiment was changed.

`run.json` has the size, the SHA-256 and, of a table, the number of rows of each file of its run (`files`), and
`experiment.json` those of each `run.json` and each prediction. `seal.json` beside either record has the SHA-256 of
that record. So the SHA-256 of `experiment.json` stands for every byte of the experiment: compared with the one on
the page, it shows any change, also one that replaced all seals.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from . import atomic
from .errors import RecordingError
from .paths import is_id
from .reading_schema import READINGS
from .record_files import open_regular, read_json, regular_size
from .record_format import is_sealed
from .request_schema import STORED
from .statement_plans import FILE as PLANS

FILE = "seal.json"
LOG = "gunicorn.log"
# The files of a run that readers look for: one that is there without being sealed was added.
READ_FILES = {STORED, LOG, PLANS, *(f"{name}.parquet" for name in READINGS)}
SMALL_BYTES = 256 * 1024  # files up to this size are compared in their content whenever a recording is opened
CHANGED, MISSING, ADDED = "was changed", "is missing", "was added"
_DIGEST = re.compile("[0-9a-f]{64}")

Files = Mapping[str, Mapping[str, Any]]  # what a record says of each file, by its path below the record's folder
Mismatch = tuple[str, str]  # a file, and what is wrong with it


def write(path: Path, text: str) -> None:
    """Write a record and its seal, or replace both.

    The seal is written first, with the digest that it replaces: a kill between the two leaves a record that either of
    its digests fits.
    """
    digest = {
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "previous": file_digest(path) if path.exists() else None,
    }
    atomic.write_text(path.with_name(FILE), json.dumps(digest) + "\n")
    atomic.write_text(path, text)


def describe_run(directory: Path) -> dict[str, dict[str, Any]]:
    """What `run.json` says of each file of its run: `bytes`, `sha256` and, of a table, `rows`."""
    names = sorted(
        path.name for path in directory.iterdir() if path.is_file() and not path.is_symlink() and is_id(path.name)
    )
    left_out = ("run.json", FILE)
    return {
        name: describe(directory / name) for name in names if name not in left_out and not name.endswith(atomic.SUFFIX)
    }


def describe(path: Path) -> dict[str, Any]:
    """The size and the SHA-256 of a file, and the number of rows of a table."""
    description: dict[str, Any] = {"bytes": path.stat().st_size, "sha256": file_digest(path)}
    if path.suffix == ".parquet":
        try:
            description["rows"] = pq.read_metadata(path).num_rows
        except (OSError, pa.ArrowException):
            description["rows"] = None
    return description


def is_description(files: object) -> bool:
    """True for the `files` of a record: paths of ids below its folder, each with a size and a digest."""
    return isinstance(files, dict) and all(
        1 <= len(parts := name.split("/")) <= 2 and all(map(is_id, parts)) and _is_entry(entry)
        for name, entry in files.items()
    )


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("rows"), int | None):
        return False
    size, digest = entry.get("bytes"), entry.get("sha256")
    return isinstance(size, int) and isinstance(digest, str) and _DIGEST.fullmatch(digest) is not None


def record_mismatches(path: Path, record: Mapping[str, Any], sha256: str) -> Iterator[Mismatch]:
    """Yield what is wrong with a record against the seal beside it; `sha256` is that of the record's file.

    A run that did not end has no seal yet. While an experiment is going on, the replaced digest fits too.
    """
    is_running = record["status"] == "running"
    try:
        seal = read_json(path.with_name(FILE)).value
    except FileNotFoundError:
        if is_sealed(record) and not (is_running and path.name == "run.json"):
            yield FILE, f"{MISSING}, so {path.name} may have been changed"
        return
    except (RecordingError, OSError):
        seal = None
    if not isinstance(seal, dict):
        yield FILE, "is no seal"
    elif sha256 != seal.get("sha256") and not (is_running and sha256 == seal.get("previous")):
        yield path.name, CHANGED


def size_mismatches(directory: Path, files: Files) -> Iterator[Mismatch]:
    """Yield the files that are missing, or have another size than they were sealed with."""
    for name, entry in files.items():
        try:
            size = regular_size(directory / name)
        except FileNotFoundError:
            yield name, MISSING
        except (RecordingError, OSError):
            yield name, "is no regular file any more"
        else:
            if size != entry["bytes"]:
                yield name, f"{CHANGED} ({size:,} bytes, sealed with {entry['bytes']:,})"


def added_files(directory: Path, files: Files, streams: str) -> Iterator[Mismatch]:
    """Yield the files that readers look for and that were not there when the run was sealed."""
    for name in sorted(set(os.listdir(directory)) - files.keys()):
        if name in READ_FILES or fnmatch(name, streams):
            yield name, ADDED


def digest_mismatches(directory: Path, files: Files, max_bytes: int | None = None) -> Iterator[Mismatch]:
    """Yield the files of their sealed size whose content is another one. Reads those up to `max_bytes`, or all."""
    for name, entry in files.items():
        if max_bytes is not None and entry["bytes"] > max_bytes:
            continue
        try:
            if regular_size(directory / name) == entry["bytes"] and file_digest(directory / name) != entry["sha256"]:
                yield name, f"{CHANGED} (its size is the same, its content is not)"
        except (RecordingError, OSError):
            continue  # `size_mismatches` names it


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, as `sha256sum` prints it."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
