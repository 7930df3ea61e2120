"""How soon the kernel runs the generator after it wakes, while the system under test keeps all cores busy."""

import ctypes
import os
import platform
import sys
from contextlib import suppress

SLICE_NS = 100_000  # the shortest that the kernel takes
MAX_PRIORITY = -20  # as a nice value
SET_ATTRIBUTES = {"x86_64": 314, "aarch64": 274}  # the system call's numbers; few C libraries have a function for it


class Attributes(ctypes.Structure):
    """The first version of Linux's `sched_attr`."""

    _fields_ = [
        ("size", ctypes.c_uint32), ("policy", ctypes.c_uint32), ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32), ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64), ("deadline", ctypes.c_uint64), ("period", ctypes.c_uint64),
    ]  # fmt: skip


def raise_both() -> dict[str, bool]:
    """Request a short time slice and a high priority; returns by name which of them the kernel granted.

    Neither lets the process do more work: it only runs earlier.
    """
    return {"short_slice": shorten_slice(), "raised": raise_priority()}


def shorten_slice() -> bool:
    """Request short turns on the processor in exchange for early ones; returns whether the kernel took the request.

    No permission is needed. Linux heeds it from 6.12 on: a process that wakes then need not wait until the running one
    has used up its longer slice.
    """
    number = SET_ATTRIBUTES.get(platform.machine())
    if not sys.platform.startswith("linux") or number is None:
        return False
    size = ctypes.sizeof(Attributes)
    attributes = Attributes(size=size, policy=os.SCHED_OTHER, nice=os.getpriority(os.PRIO_PROCESS, 0), runtime=SLICE_NS)
    return ctypes.CDLL(None).syscall(number, 0, ctypes.byref(attributes), 0) == 0


def raise_priority() -> bool:
    """Take precedence over the system under test, as a generator on a machine of its own would.

    Only root may; returns whether it was granted. Where Linux groups processes by session, the group has a priority of
    its own, which is raised too.
    """
    try:
        os.setpriority(os.PRIO_PROCESS, 0, MAX_PRIORITY)
    except PermissionError:
        return False
    with suppress(OSError), open("/proc/self/autogroup", "w") as group:
        group.write(str(MAX_PRIORITY))
    return True
