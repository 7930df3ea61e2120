"""Temporary folders that do not stay behind, also if the process is killed."""

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "tracetrack-locked"
MIN_AGE_S = 60  # of a folder that is removed: a younger one may be about to be locked


@contextmanager
def temporary_folder(kind: str) -> Iterator[Path]:
    """Create a private folder for the block and remove it afterwards.

    Folders of this kind whose process was killed a minute ago or longer go first: their lock is free, as the kernel
    gives a lock up when its process ends, however that happens.
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
            status = folder.lstat()
            is_young = time.time() - status.st_mtime < MIN_AGE_S
            if is_young or status.st_uid != os.geteuid() or not stat.S_ISDIR(status.st_mode):
                continue
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where its process lives
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)
