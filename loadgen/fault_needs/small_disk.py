"""A small disk over a folder: a tmpfs that a fault can fill, in a mount namespace that ends with this process."""

import ctypes
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from workbench.errors import UserError

CLONE_NEWNS = 0x00020000
MS_REC, MS_SLAVE, MNT_DETACH = 0x4000, 0x80000, 2
FILL_BYTES = 2**16
BALLAST = ".ballast"  # fills a disk; a hidden file is no part of a run
NOT_PERMITTED = "a small disk needs the right to mount one, which root has"


@cache
def missing() -> str:
    """Why this process may not mount a disk; empty where it may."""
    if os.geteuid() != 0:
        return NOT_PERMITTED
    pid = os.fork()
    if pid == 0:
        try:
            _enter_namespace()
            with tempfile.TemporaryDirectory() as folder:
                _mount(Path(folder), 1)
                _unmount(Path(folder))
        except BaseException:  # whatever it is, the parent reports that there is no such right
            os._exit(1)
        os._exit(0)
    return NOT_PERMITTED if os.waitpid(pid, 0)[1] else ""


@contextmanager
def over(folder: Path, size_mib: int) -> Iterator[None]:
    """Put an empty disk over an empty folder for the block; what it then has stays in the folder.

    Only processes that are started from here on, and this one, see the disk. Raises `UserError` without the right to.
    """
    if reason := missing():
        raise UserError(reason)
    _enter_namespace()
    _mount(folder, size_mib)
    try:
        yield
    finally:
        with tempfile.TemporaryDirectory(dir=folder.parent) as kept:
            shutil.copytree(folder, kept, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns(BALLAST))
            _unmount(folder)
            shutil.copytree(kept, folder, symlinks=True, dirs_exist_ok=True)


def fill(folder: Path) -> None:
    """Fill the disk of a folder to the last byte."""
    try:
        with (folder / BALLAST).open("wb", buffering=0) as file:
            while True:
                file.write(bytes(FILL_BYTES))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise UserError(f"the disk could not be filled: {error.strerror}") from None


def empty(folder: Path) -> None:
    """Remove what filled the disk."""
    (folder / BALLAST).unlink(missing_ok=True)


@cache
def _enter_namespace() -> None:
    """Give this process mounts of its own; those of the machine still appear in it."""
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.unshare(CLONE_NEWNS))
    _check(libc.mount(b"none", b"/", None, MS_REC | MS_SLAVE, None))


def _mount(folder: Path, size_mib: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, f"size={size_mib}m,mode=700".encode()))


def _unmount(folder: Path) -> None:
    _check(ctypes.CDLL(None, use_errno=True).umount2(os.fsencode(folder), MNT_DETACH))


def _check(result: int) -> None:
    if result != 0:
        raise UserError(f"a small disk cannot be mounted here: {os.strerror(ctypes.get_errno())}")
