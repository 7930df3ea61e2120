"""Whether a process is alive; a zombie is not."""

import os
import select
from contextlib import suppress


def is_alive(pid: int) -> bool:
    """True for a process that runs; false for one that has ended, its exit code collected or not."""
    if not hasattr(os, "pidfd_open"):
        return _answers(pid)
    try:
        descriptor = os.pidfd_open(pid)
    except OSError as error:
        return not isinstance(error, ProcessLookupError) and _answers(pid)
    try:
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        return not poller.poll(0)
    finally:
        os.close(descriptor)


def _answers(pid: int) -> bool:
    """True if a signal could be sent; a process of another user is alive too."""
    with suppress(PermissionError):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
    return True
