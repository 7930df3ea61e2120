"""How soon the kernel lets the generator go on when it wakes, though the system under test keeps all cores busy."""

import ctypes
import os
import platform
import sys
from contextlib import suppress

SLICE_NS = 100_000  # the shortest that the kernel takes
HIGHEST = -20
SET_ATTRIBUTES = {"x86_64": 314, "aarch64": 274}  # the system call's numbers; few C libraries have a function for it


class Attributes(ctypes.Structure):
    """The first version of Linux's `sched_attr`."""

    _fields_ = [
        ("size", ctypes.c_uint32), ("policy", ctypes.c_uint32), ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32), ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64), ("deadline", ctypes.c_uint64), ("period", ctypes.c_uint64),
    ]  # fmt: skip


def come_first() -> dict[str, bool]:
    """Ask for both; by name, what the kernel granted. The share of the processor that is used stays as it was."""
    return {"short_slice": shorten_slice(), "raised": raise_priority()}


def shorten_slice() -> bool:
    """Ask for short turns on the processor, in exchange for soon ones; whether the kernel took the request.

    No right is needed for it. Linux heeds it from 6.12 on: a process that wakes need not wait then until the one that
    runs has had its longer turn.
    """
    number = SET_ATTRIBUTES.get(platform.machine())
    if not sys.platform.startswith("linux") or number is None:
        return False
    size = ctypes.sizeof(Attributes)
    wanted = Attributes(size=size, policy=os.SCHED_OTHER, nice=os.getpriority(os.PRIO_PROCESS, 0), runtime=SLICE_NS)
    return ctypes.CDLL(None).syscall(number, 0, ctypes.byref(wanted), 0) == 0


def raise_priority() -> bool:
    """Go before the system under test where both want the processor, as a generator on a machine of its own would.

    Only root may. Where Linux groups processes by session, the group has a priority of its own.
    """
    try:
        os.setpriority(os.PRIO_PROCESS, 0, HIGHEST)
    except PermissionError:
        return False
    with suppress(OSError), open("/proc/self/autogroup", "w") as group:
        group.write(str(HIGHEST))
    return True
