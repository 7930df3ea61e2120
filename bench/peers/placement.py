"""Where processes run and what they use: one core each for generator and server, and the CPU time of a whole tree."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import psutil

from loadgen.collectors.process_clock import cpu_ns
from workbench.errors import UserError


class Cores(NamedTuple):
    """The core of the generator and that of the server."""

    generator: int
    server: int


def two_cores() -> Cores:
    """The first and the last core that this process may use. Raises `UserError` where it cannot have two."""
    if not hasattr(os, "sched_setaffinity"):
        raise UserError("this system cannot keep a process to a core; compare the load generators on Linux")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise UserError("generator and server need a core each, and this process may use only one; give it two")
    return Cores(cores[0], cores[-1])


def pinned(core: int) -> Callable[[], None]:
    """A function that keeps the calling process to a core, for `subprocesses.start`."""
    return lambda: os.sched_setaffinity(0, {core})


def process_tree_cpu_s(pid: int) -> float:
    """The CPU time so far of a process and of its living descendants, in seconds."""
    total_ns = cpu_ns(pid) or 0
    with suppress(psutil.NoSuchProcess):
        total_ns += sum(cpu_ns(child.pid) or 0 for child in psutil.Process(pid).children(recursive=True))
    return total_ns / 1e9
