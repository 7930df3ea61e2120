"""What Python imports at its start in processes with a stepped clock: a `time.sleep` that libfaketime 0.9.10 allows.

Python 3.11 and newer sleep by `clock_nanosleep` until an instant of the monotonic clock. That version refuses it where
it leaves this clock alone.
"""

import select
import time


def sleep(seconds: float) -> None:
    """Sleep, as `time.sleep` does."""
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], seconds)


time.sleep = sleep  # type: ignore[assignment]
