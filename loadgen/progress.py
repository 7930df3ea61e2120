"""Progress of a long task: a bar with the time left on a terminal, plain lines elsewhere.

A notebook kernel has no terminal of its own; `TRACETRACK_PROGRESS_FD` is the error stream of the command behind it.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import TextIO

from tqdm import tqdm

from workbench.redaction import redacted
from workbench.text_cleaning import Target, cleaned

DESCRIPTOR = "TRACETRACK_PROGRESS_FD"
LAYOUT = "{desc:<44.44} {percentage:3.0f}%|{bar}| {elapsed} gone, {remaining} left"
MAX_SHARE = 0.99  # at the beginning of a step: a search has more steps than were expected
MAX_STEP_SHARE = 0.95  # a step that takes longer than expected stays short of its end

tqdm.monitor_interval = 0  # its thread would run while this process forks


class Steps:
    """Steps one after the other, together expected to take `total_s` seconds."""

    def __init__(self, label: str, total_s: float, stream: TextIO):
        self._label = label
        self._total_s = total_s
        self._done_s = self._expected_s = 0.0
        self._stream = stream
        self._started_s = self._step_started_s = time.monotonic()
        self._bar = tqdm(
            total=total_s, desc=label, file=stream, bar_format=LAYOUT, disable=not stream.isatty(), leave=False
        )

    @property
    def on_terminal(self) -> bool:
        return not self._bar.disable

    def begin(self, step: str, expected_s: float) -> None:
        """Start a step; the step before it has ended."""
        step = cleaned(redacted(step), Target.LINE)
        self._done_s += self._expected_s
        self._expected_s, self._step_started_s = expected_s, time.monotonic()
        if self.on_terminal:
            self._bar.set_description_str(f"{self._label}: {step}", refresh=False)
            self.tick()
        else:
            share = min(self._done_s / self._total_s, MAX_SHARE) if self._total_s else 0.0
            print(f"{self._label}: {share:4.0%} {step}", file=self._stream, flush=True)

    def expect(self, left_s: float) -> None:
        """Set the seconds that are left after the current step."""
        self._bar.total = self._total_s = self._done_s + self._expected_s + left_s

    def tick(self) -> None:
        """Move the bar to where the step is by the clock."""
        within_s = min(time.monotonic() - self._step_started_s, MAX_STEP_SHARE * self._expected_s)
        self._bar.n = min(self._done_s + within_s, self._total_s)
        self._bar.refresh()

    def hide(self) -> None:
        """Remove the bar from the terminal."""
        self._bar.close()

    def close(self) -> None:
        """End the last step with a line."""
        self.hide()
        took_s = time.monotonic() - self._started_s
        print(f"{self._label}: done in {took_s:.0f} s", file=self._stream, flush=True)


@contextmanager
def steps(label: str, total_s: float) -> Iterator[Steps]:
    """Show the progress of the block. The line "done" appears only if the block ends without an exception."""
    with _stream() as stream:
        shown = Steps(label, total_s, stream)
        try:
            with _every_second(shown.tick) if shown.on_terminal else nullcontext():
                yield shown
            shown.close()
        finally:
            shown.hide()


def report(line: str) -> None:
    """Print a line to the error stream of the command; nothing if the terminal is gone."""
    with suppress(OSError), _stream() as stream:
        print(cleaned(redacted(line), Target.LINE), file=stream, flush=True)


@contextmanager
def _every_second(call: Callable[[], None]) -> Iterator[None]:
    """Call `call` every second of the block, in the main thread only.

    A timer signal does it and not a thread, because the block forks. Within an inner block the outer call pauses.
    """
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


def _stream() -> AbstractContextManager[TextIO]:
    """The error stream of the command: this process's own, or that of the command behind the kernel."""
    descriptor = os.environ.get(DESCRIPTOR)
    return os.fdopen(os.dup(int(descriptor)), "w") if descriptor else nullcontext(sys.stderr)
