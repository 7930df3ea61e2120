"""Recordings in an object store, such as S3: their small files are copied when they are opened, request rows when read.

A copy is compared with its seal and kept below the folder of the data, so that it is made once. `store_transfer` has
which stores there are.
"""

import hashlib
import os
import tempfile
from functools import lru_cache
from pathlib import Path

from . import store_process, store_transfer
from .errors import RecordingError, UsageError, UserError
from .paths import data_directory, is_id
from .redaction import redacted, redacted_of_url
from .seal import file_digest

TIMEOUT = "TRACETRACK_STORE_TIMEOUT_S"
DEFAULT_TIMEOUT_S = 20.0  # of a request without an answer, and of a connection that is not made
MAX_TIMEOUT_S = 3600
COPIES = "copies"  # the folder of copied files, by digest and URL


class ChangedObject(RecordingError):
    """A file in a store that is not as it was sealed, or is missing; its `problem` completes "<file> …"."""

    def __init__(self, message: str, problem: str = ""):
        """A message for people who do not know of which file; the problem is an attribute that pickle keeps."""
        super().__init__(message)
        self.problem = problem


def is_url(name: str) -> bool:
    """True for the URL of a recording, such as `s3://bucket/experiment`."""
    return "://" in name


def require_name(url: str) -> None:
    """Raise `UsageError` for a URL that names no recording, or has credentials, which pages would show."""
    protocol, _, path = url.partition("://")
    if protocol == "s3" and "@" in path.partition("/")[0]:
        raise UsageError(
            f"{redacted(url)} has credentials, which no URL of S3 has; give them as AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY in the environment"
        )
    if not is_id(url.rpartition("/")[2]) or not path.strip("/"):
        raise UsageError(f"{redacted(url)} names no recording; name one: s3://BUCKET/EXPERIMENT")


def mirror(url: str, folder: Path, left_out: str) -> None:
    """Copy a recording into an empty folder, without the files of this name. Raises `RecordingError` without one."""
    if not _called("mirrored", url, str(folder.resolve()), left_out):
        raise RecordingError(
            f"nothing is at {redacted(url)}; name the folder of an experiment or of a run in the store"
        )


def local_copy(url: str, sha256: str, name: str) -> Path:
    """The path of a copy of a file; one that was made before is used again.

    Raises `ChangedObject` where the file has another digest or is missing, `RecordingError` where the store fails.
    """
    # The files of two runs with the same content have two places, as a row knows its run by its file.
    folder = data_directory() / COPIES / f"{sha256[:32]}-{hashlib.sha256(url.encode()).hexdigest()[:16]}"
    path = folder / name
    if path.exists() and _has_digest(path, sha256, path.stat().st_mtime_ns):
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as unfinished:
        part = Path(unfinished) / name
        _called("copied", url, str(part.resolve()))
        if file_digest(part) != sha256:
            raise _changed(url, "was changed after the run had ended")
        os.replace(part, path)
    return path


@lru_cache(maxsize=10_000)
def _has_digest(path: Path, sha256: str, _modified_ns: int) -> bool:
    """Whether a copy is still what it was; each process looks once, as long as the file is not written."""
    return file_digest(path) == sha256


def timeout_s() -> float:
    """Seconds after which a store counts as away."""
    text = os.environ.get(TIMEOUT) or str(DEFAULT_TIMEOUT_S)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MAX_TIMEOUT_S:
        raise UsageError(f"{TIMEOUT}={text} is no number of seconds up to {MAX_TIMEOUT_S}; name one, or leave it out")
    return seconds


def _called(operation: str, url: str, *arguments: str) -> int:
    """The result of an operation; what a store's library raises, which may be anything, becomes one line."""
    seconds = timeout_s()
    word, value, silent_s = store_process.call(operation, url, seconds, *arguments)
    if word == store_transfer.DONE:
        return int(value)
    place, reason = redacted(url), redacted_of_url(value.splitlines()[0] if value else "", url)
    if word == store_transfer.MISSING:
        raise _changed(url, "is missing")
    if word == store_transfer.NO_PACKAGE:
        raise UserError(f"{place} cannot be read without another package ({reason}); install it in .venv")
    if word == store_transfer.NO_URL:
        raise UsageError(f"{place} is no URL of an object store: {reason}")
    within = f" within {seconds:g} s ({TIMEOUT}) a request" if silent_s >= seconds else ""
    raise RecordingError(
        f"{place} cannot be read from its object store{within}: {reason or 'it made no progress'}; "
        "check its address (for S3 AWS_ENDPOINT_URL), credentials and network"
    )


def _changed(url: str, problem: str) -> ChangedObject:
    is_there = "" if problem != "is missing" else " in its object store; check the name, and what the store has"
    return ChangedObject(f"{redacted(url)} {problem}{is_there}", problem)
