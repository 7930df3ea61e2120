"""The memory of a process by the kernel's own account of its pages."""

from typing import NamedTuple

from .cgroup_hierarchy import counts

KIB = 1024


class ProcessMemory(NamedTuple):
    """Memory of a process in bytes: `smaps_rollup`, see proc(5).

    pss: its proportional set size, a page that n processes share counted as 1/n
    private: pages that no other process has; they are free when it ends
    shared: pages that other processes have too, counted whole; after a fork these are all that neither has changed
    anonymous: its proportional part of pages that belong to no file
    """

    pss: int
    private: int
    shared: int
    anonymous: int


def read(pid: int) -> ProcessMemory | None:
    """The memory of a process; None where it has ended, or may not be read."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return parse(file.read())
    except OSError:
        return None


def parse(text: str) -> ProcessMemory | None:
    """The memory by the content of `smaps_rollup`; None for a process that has none any more."""
    kib = counts("\n".join(line.replace(" kB", "").replace(":", "") for line in text.splitlines()[1:]))
    if "Pss" not in kib:
        return None
    private, shared = (kib.get(f"{kind}_Clean", 0) + kib.get(f"{kind}_Dirty", 0) for kind in ("Private", "Shared"))
    return ProcessMemory(kib["Pss"] * KIB, private * KIB, shared * KIB, kib.get("Pss_Anon", 0) * KIB)
