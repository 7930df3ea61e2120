"""Control groups that a killed workbench left behind: it had no chance to remove them."""

import os
import re
from contextlib import suppress
from pathlib import Path

NAME = re.compile(r"tracetrack-(\d+)-(\d+)-\d+")


def own_prefix() -> str:
    """The start of the names of this process's groups: its id, and its start, as ids are used again."""
    return f"tracetrack-{os.getpid()}-{_started(os.getpid())}"


def remove(parent: Path) -> None:
    """Remove the groups below `parent` whose process is gone; one that still has processes stays."""
    for path in parent.glob("tracetrack-*"):
        named = NAME.fullmatch(path.name)
        if named and _started(int(named[1])) != int(named[2]):
            with suppress(OSError):
                path.rmdir()


def _started(pid: int) -> int:
    """When a process started, in ticks since the machine did; 0 where there is no such process. See proc(5)."""
    try:
        content = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return int(content.rpartition(") ")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0
