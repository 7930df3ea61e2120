"""Recordings in an object store, such as S3: their small files are copied when they are opened, request rows when read.

A copy is compared with its seal and kept below the folder of the data, so that it is made once. pyarrow
reaches S3, Google's and Azure's stores, and fsspec, where it is installed, any other that it knows. Addresses and
credentials are those of their libraries, for S3 `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID` and so on.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
from pyarrow import fs

from .errors import RecordingError, UsageError, UserError
from .paths import data_directory, is_id
from .redaction import redacted
from .seal import file_digest

TIMEOUT = "TRACETRACK_STORE_TIMEOUT_S"
DEFAULT_TIMEOUT_S = 20.0  # of a request without an answer, and of a connection that is not made
MAX_TIMEOUT_S = 3600
ADDRESSES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")  # of an S3 that is not Amazon's; pyarrow leaves them unread
MAX_FILES, MAX_LEVELS = 100_000, 2  # of a recording: run and file
CHUNK_BYTES = 8 * 2**20
COPIES = "copies"  # the folder of copied files, by digest and URL


class ChangedObject(RecordingError):
    """A file in a store that is not as it was sealed, or is missing; the message completes "<file> …"."""


def is_url(name: str) -> bool:
    """True for the URL of a recording, such as `s3://bucket/experiment`."""
    return "://" in name


def mirror(url: str, folder: Path, left_out: str) -> None:
    """Copy a recording into an empty folder, without the files of this name. Raises `RecordingError` without one."""
    with _reporting(url):
        system, root = _opened(url)
        files = [entry for entry in system.get_file_info(fs.FileSelector(root, recursive=True)) if entry.is_file]
        if not files:
            raise RecordingError(f"nothing is at {url}; name the folder of an experiment or of a run in the store")
        for entry in files[:MAX_FILES]:
            parts = entry.path.removeprefix(root).strip("/").split("/")
            if len(parts) <= MAX_LEVELS and all(map(is_id, parts)) and parts[-1] != left_out:
                target = folder.joinpath(*parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                _copy(system, entry.path, target)


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
    with _reporting(url), tempfile.TemporaryDirectory(dir=folder) as unfinished:
        part = Path(unfinished) / name
        _copy(*_opened(url), part)
        if file_digest(part) != sha256:
            raise ChangedObject("was changed after the run had ended")
        os.replace(part, path)
    return path


@lru_cache(maxsize=10_000)
def _has_digest(path: Path, sha256: str, _modified_ns: int) -> bool:
    """Whether a copy is still what it was; each process looks once, as long as the file is not written."""
    return file_digest(path) == sha256


def _copy(system: fs.FileSystem, name: str, target: Path) -> None:
    with system.open_input_stream(name) as source, target.open("wb") as file:
        while chunk := source.read(CHUNK_BYTES):
            file.write(chunk)


def _opened(url: str) -> tuple[fs.FileSystem, str]:
    """The file system of a URL, and the path in it."""
    protocol, _, root = url.partition("://")
    if not root.strip("/"):
        raise UsageError(f"{url} names no recording; name one: s3://BUCKET/EXPERIMENT")
    if protocol == "s3":
        return _s3(), root.rstrip("/")
    try:
        system, root = fs.FileSystem.from_uri(url)
    except pa.ArrowInvalid:
        system, root = _by_fsspec(url)
    return system, root.rstrip("/")


def _s3() -> fs.FileSystem:
    seconds = timeout_s()
    return fs.S3FileSystem(
        endpoint_override=next((address for name in ADDRESSES if (address := os.environ.get(name))), None),
        connect_timeout=seconds,
        request_timeout=seconds,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=2),
    )


def _by_fsspec(url: str) -> tuple[fs.FileSystem, str]:
    try:
        import fsspec

        system, root = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise UserError(f"{url} cannot be read without another package ({error}); install it in .venv") from None
    except ValueError as error:
        raise UsageError(f"{url} is no URL of an object store: {error}") from None
    return fs.PyFileSystem(fs.FSSpecHandler(system)), root  # type: ignore[abstract] # of its stubs alone


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


@contextmanager
def _reporting(url: str) -> Iterator[None]:
    """Report what a store's library raises, which may be anything, in one line."""
    place = redacted(url)
    try:
        yield
    except UserError:
        raise
    except FileNotFoundError:
        raise ChangedObject(f"is missing: {place} is not in the object store") from None
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise RecordingError(
            f"{place} cannot be read from its object store within {timeout_s():g} s ({TIMEOUT}) a request: {reason}; "
            "check its address (for S3 AWS_ENDPOINT_URL), credentials and network"
        ) from None
