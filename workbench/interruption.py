"""Signals that end a program: Ctrl-C, SIGTERM and SIGHUP, all with exit code 130."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

EXIT_INTERRUPTED = 130
STANDARD_ERROR = 2
SAME_S = 10.0  # the time within which another signal is the same interruption
INTERRUPTIONS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}


class Interrupted(KeyboardInterrupt):
    """A signal that ends the program; the message names it. Only `errors.reporting_errors` catches it.

    It is no `Exception`: whatever handles the errors of a database or a file must let it pass. It is a
    `KeyboardInterrupt`, because asyncio and click let nothing else pass.
    """


@contextmanager
def raising_interruptions() -> Iterator[list[str]]:
    """Let each signal of `INTERRUPTIONS` raise `Interrupted`; yields the messages of those that came.

    A signal that is ignored, as SIGHUP is under nohup, stays ignored. Threads other than the main one get no signals.
    A signal to a whole group of processes often comes twice, as parents pass it on: one that follows within `SAME_S`
    must not cut short what the first one has begun to stop and to remove.
    """
    received: list[str] = []
    ignored_until_s = 0.0

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal ignored_until_s
        if time.monotonic() < ignored_until_s:
            return
        ignored_until_s = time.monotonic() + SAME_S
        received.append(f"stopped by {INTERRUPTIONS[signal.Signals(number)]}")
        raise Interrupted(received[-1])

    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in INTERRUPTIONS}
    changed = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in changed:
        signal.signal(number, interrupt)
    try:
        yield received
    finally:
        for number in changed if not received else ():
            signal.signal(number, before[number])


def exit_while_importing() -> None:
    """End the program at once if a signal comes while the modules of `python -m PACKAGE` are imported.

    For a package's `__init__`; as part of another program it changes nothing. The imports take seconds, and nothing is
    running yet that would have to be stopped.
    """
    if sys.argv[:1] != ["-m"]:  # Python puts the path of the module here once the package is imported
        return
    for number in INTERRUPTIONS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _exit_at_once)


def _exit_at_once(number: int, frame: FrameType | None) -> None:
    with suppress(OSError):  # the terminal may be gone
        os.write(STANDARD_ERROR, f"\nstopped by {INTERRUPTIONS[signal.Signals(number)]}\n".encode())
    os._exit(EXIT_INTERRUPTED)
