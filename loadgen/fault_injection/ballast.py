"""Takes memory until the kernel has ended a process of the same control group: `LIMIT_MIB COUNT_FILE`."""

import sys
import time
from pathlib import Path

STEP_MIB, PAUSE_S = 4, 0.005
MIB = 2**20


def fill(limit_mib: int, kills: Path) -> None:
    """Allocate step by step, at most the limit; return once the count `oom_kill` in the file has risen."""
    before, taken = _count(kills), []
    for _ in range(limit_mib // STEP_MIB):
        block = bytearray(STEP_MIB * MIB)
        block[::4096] = b"\1" * len(block[::4096])  # a page counts when it is written to
        taken.append(block)
        if _count(kills) > before:
            return
        time.sleep(PAUSE_S)


def _count(kills: Path) -> int:
    counts = dict(line.split() for line in kills.read_text().splitlines())
    return int(counts.get("oom_kill", 0))


if __name__ == "__main__":
    fill(int(sys.argv[1]), Path(sys.argv[2]))
