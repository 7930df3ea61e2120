"""What the faults of a scenario need before the application starts: proxies, small disks, a clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reference_app.settings import Settings
from workbench import faults
from workbench.faults import KINDS, RUN_ENDS, STORE

from . import small_disk, stepped_clock
from .planned_fault import PlannedFault

SESSIONS_MIB, RECORDING_MIB = 1, 32
DATABASE_PROXY, STORE_PROXY, SESSION_DISK, RECORDING_DISK, MEMORY_LIMIT, STEPPED_CLOCK, NOTEBOOK_KERNEL = (
    "database proxy", "store proxy", "session disk", "recording disk", "memory limit", "stepped clock",
    "notebook kernel",
)  # fmt: skip
# What a fault needs before the application starts, by its name; others need nothing.
NEEDS = {
    "black-hole": DATABASE_PROXY,
    "black-hole-cold-pool": DATABASE_PROXY,
    "store-away": STORE_PROXY,
    "sessions-full": SESSION_DISK,
    "recording-disk-full": RECORDING_DISK,
    "worker-out-of-memory": MEMORY_LIMIT,
    "clock-stepped": STEPPED_CLOCK,
    "kernel-killed": NOTEBOOK_KERNEL,
}


@dataclass(frozen=True)
class FaultSetup:
    """The faults of a scenario, by name."""

    names: frozenset[str]

    @classmethod
    def of(cls, planned: tuple[PlannedFault, ...]) -> "FaultSetup":
        return cls(frozenset(fault.name for fault in planned))

    def needs(self, what: str) -> bool:
        """Whether one of the faults needs this, a value of `NEEDS`."""
        return any(NEEDS.get(name) == what for name in self.names)

    @property
    def ends_run(self) -> bool:
        """Whether the run ends by its fault."""
        return any(KINDS[name].promise == RUN_ENDS for name in self.names)

    @contextmanager
    def environ(self, directory: Path) -> Iterator[dict[str, str]]:
        """The environment variables that the application gets; in the block their files are in the folder."""
        if not self.needs(STEPPED_CLOCK):
            yield {}
            return
        with stepped_clock.environ(directory) as variables:
            yield variables

    @contextmanager
    def recording_disk(self, directory: Path) -> Iterator[None]:
        """A small disk over the folder of the run, where the fault is to fill that."""
        if not self.needs(RECORDING_DISK):
            yield
            return
        with small_disk.over(directory, RECORDING_MIB):
            yield

    @contextmanager
    def session_disk(self, folder: Path) -> Iterator[None]:
        """A small disk over the folder of the session files, where the fault is to fill that."""
        if not self.needs(SESSION_DISK):
            yield
            return
        with small_disk.over(folder, SESSIONS_MIB):
            yield


def missing_for(scenario: str, settings: Settings) -> str:
    """Why this machine or deployment cannot have the fault of a scenario; empty where it can, or there is none."""
    kind = faults.kind_of(scenario)
    if kind is None:
        return ""
    if kind.concerns == STORE and not settings.needs_store:
        return "the deployment has no store"
    need = NEEDS.get(kind.name)
    if need == SESSION_DISK and settings.sessions != "filesystem":
        return "the deployment has no session files"
    if need in (SESSION_DISK, RECORDING_DISK):
        return small_disk.missing()
    if need == MEMORY_LIMIT and not settings.memory_limit_mib:
        return "the deployment has no memory limit"
    if need == STEPPED_CLOCK and stepped_clock.library() is None:
        return stepped_clock.MISSING
    return ""


NO_FAULTS = FaultSetup(frozenset())
