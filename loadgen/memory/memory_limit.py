"""The memory limit of a deployment, applied where this machine permits it, and measured where it does not."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from workbench.errors import UserError

from . import memory_group
from .memory_group import MIB, MemoryGroup, NotPermitted


class OutOfMemoryAtStart(UserError):
    """The kernel ended a process of the application before that was ready."""


@dataclass(frozen=True)
class MemoryLimit:
    """The limit (MiB, 0 for none) of an application, and the group that applies it; `reason` says why there is none."""

    limit_mib: int
    group: MemoryGroup | None
    reason: str = ""

    def join(self) -> None:
        """Put the calling process into the group, if there is one."""
        if self.group:
            self.group.join()

    def after_start(self, pid: int) -> "MemoryLimit":
        """The limit in force for a process that was started: without the group if that process could not join it."""
        if self.group is None or self.group.contains(pid):
            return self
        return MemoryLimit(self.limit_mib, None, f"a process may not join {self.group.path}")

    def has_run_out(self) -> bool:
        """True if the kernel has ended a process of the group for want of memory."""
        return bool(self.limit_mib and self.group and self.group.kills())

    def require_memory(self) -> None:
        """Raise `OutOfMemoryAtStart` if the kernel has ended a process of the group."""
        if self.has_run_out():
            raise OutOfMemoryAtStart(
                f"out of memory at start: {self.limit_mib} MiB are too few for the processes of the application"
            )

    def note(self) -> str:
        """One line where a limit is not applied; empty where it is, or where there is none."""
        if not self.limit_mib or self.group:
            return ""
        return f"The memory limit of {self.limit_mib} MiB is not enforced: {self.reason}; the memory is measured only"

    def record(self, peak_pss_bytes: int | None) -> dict:
        """What the record of a run says of its memory; `peak_pss_bytes` is the largest sum over the processes."""
        group = self.group
        over_limit = bool(self.limit_mib and peak_pss_bytes and peak_pss_bytes > self.limit_mib * MIB)
        return {
            "limit_mib": self.limit_mib,
            "enforced": bool(self.limit_mib and group),
            "reason": self.reason if self.limit_mib else "",
            "cgroup_version": group and group.version.number,
            "swap": group and group.swap,
            "peak_bytes": group and group.peak_bytes(),
            "peak_pss_bytes": peak_pss_bytes,
            "over_limit": over_limit if not group else None,
            "oom_kills": group and group.kills(),
        }


NO_LIMIT = MemoryLimit(0, None)


@contextmanager
def limited(limit_mib: int) -> Iterator[MemoryLimit]:
    """Make a group for the block, also for no limit (0): it keeps the peak. Without the right to, there is none."""
    with ExitStack() as stack:
        try:
            limit = MemoryLimit(limit_mib, stack.enter_context(memory_group.new_group(limit_mib)))
        except NotPermitted as error:
            limit = MemoryLimit(limit_mib, None, str(error))
        yield limit
