"""How far a long step is: a bar with the time left on a terminal, plain lines elsewhere.

A notebook kernel has no terminal of its own; `TRACETRACK_PROGRESS_FD` is the error stream of the command behind it.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TextIO

from tqdm import tqdm

DESCRIPTOR = "TRACETRACK_PROGRESS_FD"


class Steps:
    """A known number of steps, each with a weight (its expected seconds, or 1)."""

    def __init__(self, label: str, total: float, stream: TextIO):
        self._label = label
        self._total = total
        self._done = 0.0
        self._stream = stream
        self._started_s = time.monotonic()
        layout = "{desc:<34} {percentage:3.0f}%|{bar}| {elapsed} gone, {remaining} left"
        self._bar = tqdm(
            total=total, desc=label, file=stream, bar_format=layout, disable=not stream.isatty(), leave=False
        )

    def begin(self, step: str) -> None:
        """Name the step that starts now."""
        if self._bar.disable:
            print(f"{self._label}: {100 * self._done / self._total:3.0f}% {step}", file=self._stream, flush=True)
        else:
            self._bar.set_description_str(f"{self._label}: {step}"[:60])

    def end(self, weight: float = 1.0) -> None:
        """The step is done."""
        self._done += weight
        self._bar.update(weight)

    def hide(self) -> None:
        self._bar.close()

    def close(self) -> None:
        self.hide()
        took_s = time.monotonic() - self._started_s
        print(f"{self._label}: done in {took_s:.0f} s", file=self._stream, flush=True)


@contextmanager
def steps(label: str, total: float) -> Iterator[Steps]:
    """Show the progress of the block; only a block that ends well is called done."""
    with _stream() as stream:
        shown = Steps(label, total, stream)
        try:
            yield shown
            shown.close()
        finally:
            shown.hide()


@contextmanager
def _stream():
    """The error stream of the command that a person started: ours, or the one behind the kernel."""
    descriptor = os.environ.get(DESCRIPTOR)
    with os.fdopen(os.dup(int(descriptor)), "w") if descriptor else nullcontext(sys.stderr) as stream:
        yield stream
