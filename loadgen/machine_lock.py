"""A lock on the machine: one measurement at a time, whoever starts it and wherever its data are.

Two measurements at once would measure each other. On Linux the lock is a name among the kernel's abstract sockets,
which is free again when the process ends, however it ends. Elsewhere it is a locked file. Containers with a network
namespace of their own have names of their own.
"""

import errno
import fcntl
import os
import socket
import struct
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from textwrap import shorten
from typing import BinaryIO, NoReturn

import psutil

from workbench.errors import UserError
from workbench.polling import attempts

VARIABLE = "TRACETRACK_MACHINE_LOCK"
NAME = "tracetrack-workbench"
BACKLOG = 128  # no connection is accepted: that of each refused process stays in the queue
CREDENTIALS = struct.Struct("3i")  # process, user, group
BIND_TIMEOUT_S = 2.0  # for a process that has the name and does not listen: it has just started, or just ended
MAX_COMMAND_CHARACTERS = 60


@contextmanager
def sole_use(part: str = "") -> Iterator[None]:
    """Hold the lock for the block. Raises `UserError` that names the process that holds it already.

    The environment variable `TRACETRACK_MACHINE_LOCK` changes the name of the lock. A `part` of a measurement that may
    run beside the rest of it has a lock of its own.
    """
    name = "-".join(filter(None, (os.environ.get(VARIABLE) or NAME, part)))
    with by_socket(name) if sys.platform.startswith("linux") else by_file(name):
        yield


def require_free() -> None:
    """Raise `UserError` that names the process that holds the lock."""
    with sole_use():
        pass


@contextmanager
def by_socket(name: str) -> Iterator[None]:
    """Hold an abstract socket; `name` has at most 107 bytes."""
    with socket.socket(socket.AF_UNIX) as lock:
        _bind(lock, b"\0" + name.encode())
        lock.listen(BACKLOG)
        yield


@contextmanager
def by_file(name: str) -> Iterator[None]:
    """Hold a locked file in the folder for temporary files; it contains the process id as text."""
    path = Path(tempfile.gettempdir()) / f"{name.replace('/', '-')}.lock"
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666), "r+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _refuse(_written_id(lock))
        lock.truncate(0)
        lock.write(str(os.getpid()).encode())
        lock.flush()
        yield
        lock.truncate(0)


def _bind(lock: socket.socket, address: bytes) -> None:
    for _ in attempts(BIND_TIMEOUT_S, 0.01):
        if _is_bound(lock, address):
            return
        holder = _listener(address)
        if holder is not None:
            _refuse(holder)
    _refuse(None)


def _is_bound(lock: socket.socket, address: bytes) -> bool:
    try:
        lock.bind(address)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return False
    return True


def _listener(address: bytes) -> int | None:
    """The id of the process that listens at the address: 0 if the kernel does not report it, None without one."""
    with closing(socket.socket(socket.AF_UNIX)) as client:
        client.setblocking(False)
        try:
            client.connect(address)
            # The credentials of the process that called listen: it need not accept the connection for that.
            credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
        except ConnectionRefusedError:
            return None
        except BlockingIOError:  # its queue is full
            return 0
    return CREDENTIALS.unpack(credentials)[0]


def _written_id(lock: BinaryIO) -> int | None:
    lock.seek(0)
    digits = lock.read().decode()
    return int(digits) if digits.isdecimal() else None


def _refuse(holder: int | None) -> NoReturn:
    process = f"process {holder}{_command(holder)}" if holder else "another process"
    raise UserError(f"{process} is measuring on this machine; wait until it has ended")


def _command(pid: int) -> str:
    """The first words of a command, as what follows may hold a password; empty without permission to see it."""
    try:
        program, *words = psutil.Process(pid).cmdline()
    except (psutil.Error, ValueError):
        return ""
    command = " ".join([Path(program).name, *words[:3], *(["…"] if words[3:] else [])])
    return f" ({shorten(command, MAX_COMMAND_CHARACTERS, placeholder=' …')})"
