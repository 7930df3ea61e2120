"""The CPU time of a process by the kernel's own clock of it: to the nanosecond, ended threads included.

`/proc/<pid>/stat` has the same in ticks of 10 ms, once for the time in the process and once for that in the kernel, and
cuts off what is left of a tick. `/proc/<pid>/schedstat` is as exact as the clock, but it is of one thread, and that of
an ended thread is gone.
"""

import ctypes
import time

_libc = ctypes.CDLL(None, use_errno=True)


def cpu_ns(pid: int) -> int | None:
    """The CPU time of all threads that a process has or had; None where it has ended, or the system has no such clock.

    See clock_getcpuclockid(3).
    """
    clock = ctypes.c_int()
    try:
        if _libc.clock_getcpuclockid(pid, ctypes.byref(clock)):
            return None
        return time.clock_gettime_ns(clock.value)
    except (AttributeError, OSError):
        return None
