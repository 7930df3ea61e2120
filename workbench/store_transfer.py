"""The program that reads an object store for `store_process`: a line of JSON for each request, and lines as its answer.

Libraries of stores wait in C++, where neither a signal nor a deadline reaches them; a process of its own can be killed.
pyarrow reaches S3, Google's and Azure's stores, and fsspec, where it is installed, any other that it knows. Addresses
and credentials are those of their libraries, for S3 `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID` and so on.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pyarrow as pa
from pyarrow import fs

from .paths import is_id

ADDRESSES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")  # of an S3 that is not Amazon's; pyarrow leaves them unread
MAX_FILES, MAX_LEVELS = 100_000, 2  # of a recording: run and file
CHUNK_BYTES = 2**20  # read at once; each is a progress
ATTEMPTS = 2  # of a request
PROGRESS, DONE, MISSING, NO_PACKAGE, NO_URL, FAILED = "progress", "done", "missing", "no-package", "no-url", "failed"

Report = Callable[[], None]


class _NoStore(Exception):
    """A URL of no store; the second argument is a reason, the first `NO_PACKAGE` or `NO_URL`."""


def mirrored(url: str, seconds: float, folder: str, left_out: str, *, report: Report) -> int:
    """Copy a recording into a folder without the files of this name; returns how many files the store has of it."""
    system, root = _opened(url, seconds)
    files = [entry for entry in system.get_file_info(fs.FileSelector(root, recursive=True)) if entry.is_file]
    report()
    for entry in files[:MAX_FILES]:
        parts = entry.path.removeprefix(root).strip("/").split("/")
        if len(parts) <= MAX_LEVELS and all(map(is_id, parts)) and parts[-1] != left_out:
            target = Path(folder).joinpath(*parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(system, entry.path, target, report)
    return len(files)


def copied(url: str, seconds: float, target: str, *, report: Report) -> int:
    """Copy a file; returns 1."""
    _copy(*_opened(url, seconds), Path(target), report)
    return 1


def _copy(system: fs.FileSystem, name: str, target: Path, report: Report) -> None:
    with system.open_input_stream(name) as source, target.open("wb") as file:
        while chunk := source.read(CHUNK_BYTES):
            file.write(chunk)
            report()
    report()


def _opened(url: str, seconds: float) -> tuple[fs.FileSystem, str]:
    """The file system of a URL, and the path in it."""
    protocol, _, root = url.partition("://")
    if protocol == "s3":
        return _s3(seconds), root.rstrip("/")
    try:
        system, root = fs.FileSystem.from_uri(url)
    except pa.ArrowInvalid:
        system, root = _by_fsspec(url)
    return system, root.rstrip("/")


def _s3(seconds: float) -> fs.FileSystem:
    return fs.S3FileSystem(
        endpoint_override=next((address for name in ADDRESSES if (address := os.environ.get(name))), None),
        connect_timeout=seconds,
        request_timeout=seconds,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
    )


def _by_fsspec(url: str) -> tuple[fs.FileSystem, str]:
    try:
        import fsspec

        system, root = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise _NoStore(NO_PACKAGE, str(error)) from None
    except ValueError as error:
        raise _NoStore(NO_URL, str(error)) from None
    return fs.PyFileSystem(fs.FSSpecHandler(system)), root  # type: ignore[abstract] # of its stubs alone


OPERATIONS: dict[str, Callable[..., int]] = {"mirrored": mirrored, "copied": copied}


def _answer(request: dict[str, Any], report: Report) -> tuple[str, Any]:
    """What became of a request: a word, and the result or a reason."""
    try:
        return DONE, OPERATIONS[request["operation"]](*request["arguments"], report=report)
    except FileNotFoundError as error:
        return MISSING, str(error)
    except _NoStore as error:
        return error.args
    except Exception as error:  # of a library, which may be anything
        return FAILED, str(error) or type(error).__name__


def _requests() -> Iterator[dict[str, Any]]:
    """Yield the requests; the process ends with its input, whatever it is doing then."""
    lines: SimpleQueue[str] = SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            lines.put(line)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield json.loads(lines.get())


def main() -> None:
    """Answer requests until the end of the input."""
    with os.fdopen(os.dup(1), "w", buffering=1) as answers:
        os.dup2(2, 1)  # what a library prints is no answer

        def send(word: str, value: Any = None) -> None:
            answers.write(json.dumps([word, value]) + "\n")

        send(PROGRESS)
        for request in _requests():
            send(*_answer(request, lambda: send(PROGRESS)))


if __name__ == "__main__":
    main()
