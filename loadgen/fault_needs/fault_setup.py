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


@dataclass(frozen=True)
class FaultSetup:
    """The faults of a scenario, by name."""

    names: frozenset[str]

    @classmethod
    def of(cls, planned: tuple[PlannedFault, ...]) -> "FaultSetup":
        return cls(frozenset(fault.name for fault in planned))

    @property
    def ends_run(self) -> bool:
        """Whether the run ends by its fault."""
        return any(KINDS[name].promise == RUN_ENDS for name in self.names)

    @property
    def needs_database_proxy(self) -> bool:
        return bool(self.names & {"black-hole", "black-hole-cold-pool"})

    @property
    def needs_store_proxy(self) -> bool:
        return "store-away" in self.names

    @property
    def needs_new_generator(self) -> bool:
        """Whether the generator cannot be forked from a process that was started before."""
        return "recording-disk-full" in self.names

    @contextmanager
    def environ(self, directory: Path) -> Iterator[dict[str, str]]:
        """The environment variables that the application gets; in the block their files are in the folder."""
        if "clock-stepped" not in self.names:
            yield {}
            return
        with stepped_clock.environ(directory) as variables:
            yield variables

    @contextmanager
    def recording_disk(self, directory: Path) -> Iterator[None]:
        """A small disk over the folder of the run, where the fault is to fill that."""
        if "recording-disk-full" not in self.names:
            yield
            return
        with small_disk.over(directory, RECORDING_MIB):
            yield

    @contextmanager
    def session_disk(self, folder: Path) -> Iterator[None]:
        """A small disk over the folder of the session files, where the fault is to fill that."""
        if "sessions-full" not in self.names:
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
    if kind.name == "sessions-full" and settings.sessions != "filesystem":
        return "the deployment has no session files"
    if kind.name in ("sessions-full", "recording-disk-full"):
        return small_disk.missing()
    if kind.name == "worker-out-of-memory" and not settings.memory_limit_mib:
        return "the deployment has no memory limit"
    if kind.name == "clock-stepped" and stepped_clock.library() is None:
        return stepped_clock.MISSING
    return ""


NO_FAULTS = FaultSetup(frozenset())
