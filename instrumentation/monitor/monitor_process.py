"""Starts the monitor beside an application, in a process that ends with it."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence

from .access import KEY_VARIABLE
from .session_count import SessionStore

HOST = "127.0.0.1"
# The shell ends at once, so that the monitor is nobody's child: a server that collects its children would take the end
# of the monitor for that of a worker.
_DETACH = '"$@" <&- >&2 &'
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")


class MonitorNotStarted(Exception):
    """The monitor cannot listen; the message says why, and what to do."""


def listen(port: int) -> socket.socket:
    """A socket that listens on this port of this machine; 0 takes a free one. Raises `MonitorNotStarted`."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise MonitorNotStarted(f"port {port} of the monitor cannot be used ({reason}); choose another") from None
    return listening


def start(
    metrics_file: str,
    key: str,
    port: int,
    *,
    prefix: str = "",
    public_url: str = "",
    while_alive: int | None = None,
    keep_open: Sequence[int] = (),
    sessions: SessionStore | None = None,
) -> int:
    """Start the monitor for these files, and return its port. Raises `MonitorNotStarted` if the port is taken.

    It gets neither the environment of the application nor its open files. `while_alive` is the process with which it
    ends; without one it ends with the last worker that has a slot. `keep_open` are file descriptors, for locks.
    `sessions` are counted where there is a store of them.
    """
    with listen(port) as listening:
        words = [sys.executable, "-m", __package__ or "", "--metrics-file", metrics_file, "--prefix", prefix,
                 "--listen-fd", str(listening.fileno()), "--public-url", public_url]  # fmt: skip
        if while_alive:
            words += ["--while-alive", str(while_alive)]
        environ = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        paths = os.pathsep.join(path for path in sys.path if path)
        subprocess.run(
            ["/bin/sh", "-c", _DETACH, "sh", *words],
            env={**environ, **(sessions.to_environ() if sessions else {}), KEY_VARIABLE: key, "PYTHONPATH": paths},
            pass_fds=[listening.fileno(), *keep_open],
            check=True,
        )
        return listening.getsockname()[1]
