"""Readings of the memory of the application, process by process, and of its control group."""

from collections.abc import Mapping
from pathlib import Path

from workbench.columns import arrow_schema
from workbench.reading_schema import MEMORY

from ..memory.memory_group import MemoryGroup
from ..memory.memory_watch import MASTER, WORKER, Kill, MemoryWatch
from ..memory.process_memory import ProcessMemory
from .sample_file import SampleFile

SCHEMA = arrow_schema(MEMORY)
GROUP = "group"  # in the place of a process


class MemoryReader:
    """Leaves `memory.parquet` in the directory; `peak_pss_bytes` is the largest sum over the processes in a reading."""

    def __init__(self, directory: Path, group: MemoryGroup | None, master_pid: int):
        self._file = SampleFile(directory / "memory.parquet", SCHEMA)
        self._group, self._master_pid = group, master_pid
        self._watch = MemoryWatch(group, master_pid) if group else None
        self._workers: dict[int, int] = {}
        self.peak_pss_bytes: int | None = None

    def watch(self, at_us: int, workers: Mapping[int, int]) -> None:
        """Note what the kernel ended since the last call; `workers` are the workers' numbers by process id."""
        self._workers.update(workers)
        if self._watch:
            self._watch.read(at_us, workers)

    def kills(self, at_us: int) -> list[Kill]:
        """The processes that the kernel ended for want of memory."""
        return self._watch.kills(at_us) if self._watch else []

    def add(self, at_us: int, processes: Mapping[int, ProcessMemory]) -> None:
        """Add a reading of the processes by id, and one of the group."""
        for pid, memory in processes.items():
            role = MASTER if pid == self._master_pid else WORKER
            values = {f"{name}_bytes": value for name, value in memory._asdict().items()}
            self._file.add({"at_us": at_us, "process": role, "worker": self._workers.get(pid), "pid": pid, **values})
        total = sum(memory.pss for memory in processes.values())
        self.peak_pss_bytes = max(self.peak_pss_bytes or 0, total) or None
        if self._group:
            self._file.add(
                {
                    "at_us": at_us,
                    "process": GROUP,
                    "anonymous_bytes": self._group.anonymous_bytes(),
                    "usage_bytes": self._group.usage_bytes(),
                }
            )

    def close(self) -> None:
        """Finish the file."""
        self._file.close()
