"""Temporary folders that do not stay behind, also if the process is killed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "tracetrack"


@contextmanager
def temporary_folder(kind: str) -> Iterator[Path]:
    """Create a private folder for the block and remove it afterwards.

    Folders of this kind whose process was killed go first: their lock is free, as the kernel gives a lock up when its
    process ends, however that happens.
    """
    _remove_left_over(kind)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}-{kind}-"))
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with suppress(OSError):  # a file system without locks: a folder that is left over then stays
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield folder
        finally:
            os.close(descriptor)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_left_over(kind: str) -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}-{kind}-*"):
        with suppress(OSError):  # another user's, or gone by now
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid() or not folder.is_dir():
                continue
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where its process lives
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)
