"""Which processes of a group the kernel ended for want of memory, and when."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from .memory_group import MemoryGroup

MASTER, WORKER, UNKNOWN = "master", "worker", "unknown"


@dataclass(frozen=True)
class Kill:
    """A process that the kernel ended; `worker` is the number of a worker, `at_us` when that was noticed (µs)."""

    at_us: int
    process: str
    worker: int | None
    pid: int | None

    def record(self) -> dict:
        return asdict(self)


class MemoryWatch:
    """Compares, at each reading, the processes of a group and its count of kills with those of the reading before.

    The kernel counts a kill before it ends the process, so a process that is gone after the count rose was ended.
    """

    def __init__(self, group: MemoryGroup, master_pid: int):
        self._group, self._master_pid = group, master_pid
        self._pids = group.pids()
        self._counted = group.kills()
        self._pending = 0  # kills whose process is still there
        self._workers: dict[int, int] = {}
        self._kills: list[Kill] = []

    def read(self, at_us: int, workers: Mapping[int, int]) -> None:
        """Note the processes that were ended since the last reading; `workers` are the workers' numbers by id."""
        self._workers.update(workers)
        counted, pids = self._group.kills(), self._group.pids()
        self._pending += counted - self._counted
        for pid in sorted(self._pids - pids)[: self._pending]:
            self._kills.append(self._kill(at_us, pid))
            self._pending -= 1
        self._counted, self._pids = counted, pids

    def kills(self, at_us: int) -> list[Kill]:
        """All kills so far; one whose process is not known is noted at `at_us`."""
        return [*self._kills, *([Kill(at_us, UNKNOWN, None, None)] * self._pending)]

    def _kill(self, at_us: int, pid: int) -> Kill:
        process = MASTER if pid == self._master_pid else WORKER
        return Kill(at_us, process, self._workers.get(pid), pid)
