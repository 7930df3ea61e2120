"""How far a long step is: a bar with the time left on a terminal, plain lines elsewhere.

A notebook kernel has no terminal of its own; `TRACETRACK_PROGRESS_FD` is the error stream of the command behind it.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TextIO

from tqdm import tqdm

DESCRIPTOR = "TRACETRACK_PROGRESS_FD"
LAYOUT = "{desc:<44.44} {percentage:3.0f}%|{bar}| {elapsed} gone, {remaining} left"
NEARLY = 0.95  # a step that takes longer than expected stays short of its end

tqdm.monitor_interval = 0  # its thread would be beside us when we fork


class Steps:
    """Steps one after the other, together expected to take `total_s` seconds."""

    def __init__(self, label: str, total_s: float, stream: TextIO):
        self._label = label
        self._total_s = total_s
        self._done_s = self._expected_s = 0.0
        self._stream = stream
        self._started_s = self._began_s = time.monotonic()
        self._bar = tqdm(
            total=total_s, desc=label, file=stream, bar_format=LAYOUT, disable=not stream.isatty(), leave=False
        )

    @property
    def on_terminal(self) -> bool:
        return not self._bar.disable

    def begin(self, step: str, expected_s: float) -> None:
        """Name the step that starts now; the one before it has ended."""
        self._done_s += self._expected_s
        self._expected_s, self._began_s = expected_s, time.monotonic()
        if self.on_terminal:
            self._bar.set_description_str(f"{self._label}: {step}", refresh=False)
            self.tick()
        else:
            share = self._done_s / self._total_s if self._total_s else 0.0
            print(f"{self._label}: {share:4.0%} {step}", file=self._stream, flush=True)

    def expect(self, left_s: float) -> None:
        """After the step that is going on, so many seconds are left."""
        self._bar.total = self._total_s = self._done_s + self._expected_s + left_s

    def tick(self) -> None:
        """Move the bar to where the step is by the clock."""
        within_s = min(time.monotonic() - self._began_s, NEARLY * self._expected_s)
        self._bar.n = min(self._done_s + within_s, self._total_s)
        self._bar.refresh()

    def hide(self) -> None:
        self._bar.close()

    def close(self) -> None:
        self.hide()
        took_s = time.monotonic() - self._started_s
        print(f"{self._label}: done in {took_s:.0f} s", file=self._stream, flush=True)


@contextmanager
def steps(label: str, total_s: float) -> Iterator[Steps]:
    """Show the progress of the block; only a block that ends well is called done."""
    with _stream() as stream:
        shown = Steps(label, total_s, stream)
        try:
            with _every_second(shown.tick) if shown.on_terminal else nullcontext():
                yield shown
            shown.close()
        finally:
            shown.hide()


def tell(line: str) -> None:
    """A line for the person who started the command; nothing where the terminal is gone."""
    with suppress(OSError), _stream() as stream:
        print(line, file=stream, flush=True)


@contextmanager
def _every_second(call):
    """By a timer signal and not by a thread: what runs in the block forks. An inner block has the timer for itself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, lambda number, frame: call())
    signal.setitimer(signal.ITIMER_REAL, 1, 1)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)
        if before in (signal.SIG_DFL, signal.SIG_IGN):
            signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def _stream():
    """The error stream of the command that a person started: ours, or the one behind the kernel."""
    descriptor = os.environ.get(DESCRIPTOR)
    with os.fdopen(os.dup(int(descriptor)), "w") if descriptor else nullcontext(sys.stderr) as stream:
        yield stream
