"""Readings of the cores of this machine: what all processes use of them, what is idle, and what a hypervisor takes."""

import os
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
