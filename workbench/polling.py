"""Waiting for something that another process does: look, pause, look again, until a deadline."""

import time
from collections.abc import Iterator


def attempts(timeout_s: float, interval_s: float) -> Iterator[None]:
    """Yield once for each look: at once, then every `interval_s` seconds until `timeout_s` seconds are over.

    The loop leaves by `return` or `break` when it has found what it waits for; it ends by itself at the deadline.
    There is always a last look after the deadline, so that a slow look is not taken for an absence.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        yield
        time.sleep(interval_s)
    yield
