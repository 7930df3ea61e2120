"""Where the memory controller of control groups (cgroups) is mounted, and the group of this process in it.

The kernel has two versions of control groups, see cgroups(7). A system has the memory controller in one of them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

MOUNTS, MEMBERSHIP = Path("/proc/self/mountinfo"), Path("/proc/self/cgroup")
CONTROLLER = "memory"


@dataclass(frozen=True)
class Version:
    """The files of one version of memory groups; `peak` and `swap_limit` are absent on some kernels.

    `kills` is the file with the count `oom_kill`. `swap_includes_memory` says that the limit of swap is one of memory
    and swap together.
    """

    number: int
    limit: str
    swap_limit: str
    usage: str
    peak: str
    kills: str
    anonymous: str  # the count of anonymous memory in `memory.stat`
    swap_includes_memory: bool


V1 = Version(
    number=1,
    limit="memory.limit_in_bytes",
    swap_limit="memory.memsw.limit_in_bytes",
    usage="memory.usage_in_bytes",
    peak="memory.max_usage_in_bytes",
    kills="memory.oom_control",
    anonymous="total_rss",
    swap_includes_memory=True,
)
V2 = Version(
    number=2,
    limit="memory.max",
    swap_limit="memory.swap.max",
    usage="memory.current",
    peak="memory.peak",
    kills="memory.events",
    anonymous="anon",
    swap_includes_memory=False,
)


@dataclass(frozen=True)
class Hierarchy:
    """The memory controller of one version: where it is mounted, and the group of this process below that."""

    version: Version
    mount: Path
    own: Path

    def parents(self) -> list[Path]:
        """The groups below which a new one may be made, the best first.

        In version 2 a group that has processes cannot hand its memory on to groups below it, the root apart; the group
        above it may, and then has one beside that of this process.
        """
        if self.version is V1 or self.own == self.mount:
            return [self.own]
        return [self.own, self.own.parent]


def find() -> Hierarchy | None:
    """The hierarchy of this process; None where the system has none, or does not show it."""
    try:
        return parse(MOUNTS.read_text(), MEMBERSHIP.read_text())
    except (OSError, ValueError):
        return None


def parse(mounts: str, membership: str) -> Hierarchy | None:
    """The hierarchy by the content of `/proc/<pid>/mountinfo` and `/proc/<pid>/cgroup`, see proc(5).

    Version 1 goes first: where it has the memory controller, version 2 does not.
    """
    paths = dict(_memberships(membership))
    for version, root, mount in sorted(_mounts(mounts), key=lambda mounted: mounted[0].number):
        path = paths.get(version.number)
        if path is not None:
            return Hierarchy(version, mount, _below(mount, root, path))
    return None


def _below(mount: Path, root: str, path: str) -> Path:
    """The folder of a group: a container may see only the part of the hierarchy from `root` on."""
    inside = Path(path).relative_to(root) if Path(path).is_relative_to(root) else Path(path.lstrip("/"))
    return mount / inside


def _mounts(text: str) -> Iterator[tuple[Version, str, Path]]:
    """The mounts that can have the memory controller: version, root within the hierarchy, folder."""
    for line in text.splitlines():
        front, _, back = line.partition(" - ")
        fields, (kind, _, options) = front.split(), (back.split() + [""] * 3)[:3]
        if kind == "cgroup" and CONTROLLER in options.split(","):
            yield V1, fields[3], Path(fields[4])
        elif kind == "cgroup2":
            yield V2, fields[3], Path(fields[4])


def _memberships(text: str) -> Iterator[tuple[int, str]]:
    """The path of the group of this process, by version."""
    for line in text.splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            yield V2.number, path
        elif CONTROLLER in controllers.split(","):
            yield V1.number, path


def counts(text: str) -> Mapping[str, int]:
    """The counts of a file with lines of a name and a number."""
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}
