"""A memory group: the processes of the application in a control group of their own, made for a run and removed after.

Its processes join it before they run the application's program, so everything that they allocate is counted.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.polling import attempts

from . import cgroup_hierarchy, left_over_groups
from .cgroup_hierarchy import V2, Hierarchy, Version

PROCESSES = "cgroup.procs"
REMOVAL_TIMEOUT_S = 5.0  # a killed process leaves its group when it has given its memory back
MIB = 2**20
NONE, LIMITED, NOT_LIMITED = "none", "limited", "not limited"  # the swap of a group
_numbers = itertools.count()


@dataclass(frozen=True)
class MemoryGroup:
    """A control group in the folder `path`. `swap` says what its processes can swap out."""

    path: Path
    version: Version
    swap: str

    def join(self) -> None:
        """Put the calling process into the group; where that is not allowed, `contains` is false afterwards."""
        with suppress(OSError):
            (self.path / PROCESSES).write_text("0")

    def contains(self, pid: int) -> bool:
        return pid in self.pids()

    def pids(self) -> frozenset[int]:
        """The ids of its living processes."""
        return frozenset(map(int, self._read(PROCESSES).split()))

    def usage_bytes(self) -> int | None:
        """What its processes have allocated, with what the kernel keeps of files for them."""
        return self._number(self.version.usage)

    def anonymous_bytes(self) -> int | None:
        """What its processes have allocated, without files: it can be given back only by those who allocated it."""
        return cgroup_hierarchy.counts(self._read("memory.stat")).get(self.version.anonymous)

    def peak_bytes(self) -> int | None:
        """The largest usage so far; None where the kernel does not keep it."""
        return self._number(self.version.peak)

    def kills(self) -> int:
        """How many of its processes the kernel has ended for want of memory."""
        return cgroup_hierarchy.counts(self._read(self.version.kills)).get("oom_kill", 0)

    def remove(self) -> None:
        """Remove the group once its processes are gone; one whose processes cannot end stays for the next start."""
        for _ in attempts(REMOVAL_TIMEOUT_S, 0.01):
            with suppress(OSError):
                self.path.rmdir()
            if not self.path.exists():
                return

    def _number(self, file: str) -> int | None:
        content = self._read(file).strip()
        return int(content) if content.isdigit() else None

    def _read(self, file: str) -> str:
        try:
            return (self.path / file).read_text()
        except OSError:
            return ""


class NotPermitted(Exception):
    """A group or its limit cannot be made; the message says why."""


@contextmanager
def new_group(limit_mib: int, hierarchy: Hierarchy | None = None) -> Iterator[MemoryGroup]:
    """Make a group for the block, with a limit in MiB (0: none), and remove it afterwards.

    Groups of workbenches that were killed go first. Raises `NotPermitted`.
    """
    hierarchy = hierarchy or cgroup_hierarchy.find()
    if hierarchy is None:
        raise NotPermitted("this system shows no control groups for memory")
    group = _create(hierarchy, limit_mib)
    try:
        yield group
    finally:
        group.remove()


def _create(hierarchy: Hierarchy, limit_mib: int) -> MemoryGroup:
    """The first group that can be made. Raises `NotPermitted` with the reason of the first one that cannot."""
    reasons = []
    for parent in hierarchy.parents():
        try:
            return _create_below(parent, hierarchy.version, limit_mib)
        except OSError as error:
            reasons.append(f"{parent}: {os.strerror(error.errno) if error.errno else error}")
    raise NotPermitted(f"no control group for memory can be made below {reasons[0]}")


def _create_below(parent: Path, version: Version, limit_mib: int) -> MemoryGroup:
    left_over_groups.remove(parent)
    if version is V2:
        _hand_on(parent)
    path = parent / f"{left_over_groups.own_prefix()}-{next(_numbers)}"
    path.mkdir()
    try:
        (path / version.usage).read_text()  # a hierarchy without the controller has no such file
        return MemoryGroup(path, version, _set_limit(path, version, limit_mib * MIB))
    except OSError:
        path.rmdir()
        raise


def _hand_on(parent: Path) -> None:
    """Have the kernel count memory in the groups below `parent`. Raises OSError where it cannot."""
    control = parent / "cgroup.subtree_control"
    if cgroup_hierarchy.CONTROLLER not in control.read_text().split():
        control.write_text(f"+{cgroup_hierarchy.CONTROLLER}")


def _set_limit(path: Path, version: Version, limit_bytes: int) -> str:
    """Limit the memory of a group, and with it its swap; return what is true of its swap."""
    if not limit_bytes:
        return NOT_LIMITED
    (path / version.limit).write_text(str(limit_bytes))
    swap = path / version.swap_limit
    if swap.exists():
        swap.write_text(str(limit_bytes if version.swap_includes_memory else 0))
        return LIMITED
    return NOT_LIMITED if _machine_has_swap() else NONE


def _machine_has_swap() -> bool:
    """True if the machine has swap, or does not say; the file has a line of titles."""
    try:
        return len(Path("/proc/swaps").read_text().splitlines()) > 1
    except OSError:
        return True
