"""Readings of the cores of this machine: what all processes use of them, what is idle, and what a hypervisor takes."""

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import NamedTuple

STATISTICS = "/proc/stat"
TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")
USER, NICE, SYSTEM, IDLE, IO_WAIT, STEAL = 0, 1, 2, 3, 4, 7  # columns of a line, see proc_stat(5)


class CoreTimes(NamedTuple):
    """Time of all cores that this process may use, since the machine started, in µs."""

    busy_us: int  # of processes; interrupts belong to none
    idle_us: int
    steal_us: int  # a core had something to run, and the hypervisor ran another machine on it

    def since(self, earlier: "CoreTimes") -> "CoreTimes":
        """The differences from an earlier reading."""
        return CoreTimes(*(now - then for now, then in zip(self, earlier, strict=True)))


def read_cores() -> CoreTimes | None:
    """The times of the cores by now; None where the kernel does not report them."""
    try:
        with open(STATISTICS) as lines:
            return parse(lines.read(), os.sched_getaffinity(0))
    except (OSError, AttributeError, ValueError, IndexError):
        return None


def parse(text: str, cores: set[int]) -> CoreTimes:
    """The times of these cores from the content of `/proc/stat`. Raises `ValueError` if it has none of them."""
    names = {f"cpu{core}" for core in cores}
    rows = [line.split()[1:] for line in text.splitlines() if line.partition(" ")[0] in names]
    if not rows:
        raise ValueError("no such cores")
    ticks = [sum(int(row[column]) for row in rows) for column in range(STEAL + 1)]
    busy = ticks[USER] + ticks[NICE] + ticks[SYSTEM]
    return CoreTimes(busy * TICK_US, (ticks[IDLE] + ticks[IO_WAIT]) * TICK_US, ticks[STEAL] * TICK_US)


class ProcessTime(NamedTuple):
    """The name of a program, and the CPU time of one of its processes since that started, in µs."""

    name: str
    cpu_us: int


def read_processes() -> dict[int, ProcessTime]:
    """The CPU time of every process of the machine, by its id."""
    times = {}
    for entry in os.listdir("/proc") if os.path.isdir("/proc") else ():
        with suppress(OSError, ValueError, IndexError):  # it has ended
            pid = int(entry)
            with open(f"/proc/{pid}/stat", errors="replace") as file:
                start, _, values = file.read().rpartition(") ")
            user, system = values.split()[11:13]
            times[pid] = ProcessTime(start.partition(" (")[2], (int(user) + int(system)) * TICK_US)
    return times


def busiest(
    before: Mapping[int, ProcessTime], after: Mapping[int, ProcessTime], own: Collection[int], number: int = 3
) -> list[dict]:
    """The processes that used most CPU time between two readings, none of them `own`: `name`, `pid`, `cpu_ms`."""
    used = {pid: time.cpu_us - (before[pid].cpu_us if pid in before else 0) for pid, time in after.items()}
    largest = sorted((pid for pid in used if pid not in own and used[pid] > 0), key=lambda pid: -used[pid])
    return [{"name": after[pid].name, "pid": pid, "cpu_ms": used[pid] / 1000} for pid in largest[:number]]
