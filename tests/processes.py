"""Stopping other processes for a while, and waiting for them."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from workbench.polling import attempts

PATIENCE_S = 15


@contextmanager
def frozen(pids: Iterable[int]) -> Iterator[None]:
    """The processes are stopped during the block, while the kernel still acknowledges their packets.

    One of PostgreSQL's may have ended since it was listed.
    """
    with ExitStack() as stack:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                stack.callback(os.kill, pid, signal.SIGCONT)
        yield


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until the condition is true; fails the test after `PATIENCE_S` seconds."""
    for _ in attempts(PATIENCE_S, 0.01):
        if condition():
            return
    pytest.fail(f"not true after {PATIENCE_S} s")
