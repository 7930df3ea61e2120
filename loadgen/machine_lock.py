"""One measurement on a machine at a time, whoever starts it and wherever its data are: two would measure each other.

On Linux who measures listens at a name in the kernel, which is free again when that process ends, however it ends.
Elsewhere it holds a locked file. Containers with a network of their own have names of their own.
"""

import errno
import fcntl
import os
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from textwrap import shorten
from typing import BinaryIO, NoReturn

import psutil

from workbench.errors import UserError

VARIABLE = "TRACETRACK_MACHINE_LOCK"
NAME = "tracetrack-workbench"
BACKLOG = 128  # nobody accepts: each that is refused stays in the queue
CREDENTIALS = struct.Struct("3i")  # process, user, group
PATIENCE_S = 2.0
LONGEST = 60  # characters of a command


@contextmanager
def sole_use() -> Iterator[None]:
    """The block has the machine to itself. Raises `UserError` that names the process that is measuring.

    The name of the lock can be changed in the environment: `TRACETRACK_MACHINE_LOCK`.
    """
    name = os.environ.get(VARIABLE) or NAME
    with by_socket(name) if sys.platform.startswith("linux") else by_file(name):
        yield


@contextmanager
def by_socket(name: str) -> Iterator[None]:
    """A name of at most 107 bytes among the kernel's abstract sockets."""
    address = b"\0" + name.encode()
    with socket.socket(socket.AF_UNIX) as held:
        deadline = time.monotonic() + PATIENCE_S
        while not _bound(held, address):
            holder = _listener(address)
            # Who holds the name does not listen yet, or has just ended.
            if holder is not None or time.monotonic() > deadline:
                _refuse(holder)
            time.sleep(0.01)
        held.listen(BACKLOG)
        yield


@contextmanager
def by_file(name: str) -> Iterator[None]:
    """A file in the folder for temporary ones, which holds the process's number as text."""
    path = Path(tempfile.gettempdir()) / f"{name.replace('/', '-')}.lock"
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666), "r+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _refuse(_written(lock))
        lock.truncate(0)
        lock.write(str(os.getpid()).encode())
        lock.flush()
        yield
        lock.truncate(0)


def _bound(held, address):
    try:
        held.bind(address)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return False
    return True


def _listener(address) -> int | None:
    """The process that listens there; 0 if the kernel does not tell it, None if nobody listens."""
    with closing(socket.socket(socket.AF_UNIX)) as asking:
        asking.setblocking(False)
        try:
            asking.connect(address)
            # Of whom called listen: that needs nobody to accept us.
            told = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
        except ConnectionRefusedError:
            return None
        except BlockingIOError:  # its queue is full
            return 0
    return CREDENTIALS.unpack(told)[0]


def _written(lock: BinaryIO) -> int | None:
    lock.seek(0)
    digits = lock.read().decode()
    return int(digits) if digits.isdecimal() else None


def _refuse(holder: int | None) -> NoReturn:
    process = f"process {holder}{_command(holder)}" if holder else "another process"
    raise UserError(f"{process} is measuring on this machine; wait until it has ended")


def _command(pid):
    """Its first words, as what follows may hold a password; nothing where we may not know."""
    try:
        program, *words = psutil.Process(pid).cmdline()
    except (psutil.Error, ValueError):
        return ""
    said = " ".join([Path(program).name, *words[:3], *(["…"] if words[3:] else [])])
    return f" ({shorten(said, LONGEST, placeholder=' …')})"
