"""Where the workers of an application that no server of ours starts share their metrics: a private folder by port.

The first worker creates the files, each worker takes a slot that no living process has, and the monitor is started
once. A lock keeps the workers from doing so at the same time.
"""

import fcntl
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .monitor import monitor_process
from .monitor.liveness import is_alive
from .monitor_file import MonitorFile, MonitorFileError, companion
from .worker_metrics import MetricsFileError, Slot, WorkerMetrics

WORKERS = 28  # slots: 2 × (28 + spare ones)
APPLICATION = "application"  # the file with the name of the application whose workers share the folder
OLD_MONITOR_S = 2.0  # in which the monitor of ended workers ends


class NotShared(Exception):
    """The files cannot be shared; the message says why."""


@dataclass(frozen=True)
class Claim:
    """What a worker has of the shared files: its number, its slot and section, and the key of the monitor."""

    worker: int
    slot: Slot
    section: memoryview
    key: str
    notice: str = ""


def claim(port: int, application: str) -> Claim:
    """Take a slot of the files for this port, and start the monitor if there is none.

    `application` is the same text in each worker of an application, and another one in others. Raises `NotShared` where
    workers of another application have the port, and where there is no slot or no private folder. Without its port
    there is no monitor; `notice` says so.
    """
    folder = _private_folder(port)
    metrics_file = folder / "metrics"
    with _locked(folder / "lock"):
        is_new = not _has_living_workers(metrics_file)
        if is_new:
            _create(folder, metrics_file, application)
        elif (other := (folder / APPLICATION).read_text()) != application:
            raise NotShared(f"port {port} is that of the monitor of another application, {other}; choose another port")
        key = (folder / "key").read_text()
        metrics, monitor = WorkerMetrics.open(metrics_file, ()), MonitorFile.open(companion(str(metrics_file)))
        living = {worker for worker, values in metrics.read().items() if is_alive(values["pid"])}
        worker = next((each for each in range(metrics.slots) if each not in living), None)
        if worker is None:
            raise NotShared(f"all {metrics.slots} slots of port {port} are taken")
        slot = metrics.slot(worker)
        slot.reset()
        notice = _start_monitor(folder, metrics_file, key, port, OLD_MONITOR_S if is_new else 0.0)
    return Claim(worker, slot, monitor.section(worker), key, notice)


def _private_folder(port: int) -> Path:
    """A folder that only this user can write to. Raises `NotShared` where another user has one of this name."""
    folder = Path(tempfile.gettempdir()) / f"instrumentation-{os.getuid()}-{port}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise NotShared(f"{folder} is not a folder of this user alone; remove it")
    return folder


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _has_living_workers(metrics_file: Path) -> bool:
    try:
        MonitorFile.open(companion(str(metrics_file)))
        values = WorkerMetrics.open(metrics_file, ()).read().values()
    except (OSError, MetricsFileError, MonitorFileError, ValueError):
        return False
    return any(is_alive(each["pid"]) for each in values)


def _create(folder: Path, metrics_file: Path, application: str) -> None:
    """Create the files anew; a monitor that still reads the old ones keeps them until it ends."""
    metrics_file.unlink(missing_ok=True)
    slots = WorkerMetrics.create(metrics_file, WORKERS, ()).slots
    MonitorFile.create(companion(str(metrics_file)), slots)
    (folder / APPLICATION).write_text(application)
    key = folder / "key"
    key.touch(mode=0o600)
    key.write_text(secrets.token_hex(32))


def _start_monitor(folder: Path, metrics_file: Path, key: str, port: int, wait_s: float) -> str:
    """Start the monitor unless it runs: it holds a lock as long as it does. Why there is none, or nothing."""
    with (folder / "monitor").open("w") as file:
        if not _locks_within(file.fileno(), wait_s):
            return ""
        try:
            monitor_process.start(str(metrics_file), key, port, keep_open=[file.fileno()])
        except monitor_process.MonitorNotStarted as error:
            return f"no /metrics and no /monitor: {error}"
    return ""


def _locks_within(descriptor: int, wait_s: float) -> bool:
    end_s = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= end_s:
                return False
            time.sleep(0.02)
