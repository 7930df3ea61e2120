"""What recording costs the load generator: CPU a request of one Locust user, with and without, in turns.

Both are in one process, as two processes of one program differ from birth; its recording is switched on and off between
slices of some hundred requests. The user class is the lightest there is; what it asks for is a page without a session.
"""

import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile

from .interval import Ratio
from .worker import around, serve

BLOCKS, PAIRS, WARM_UP, REQUESTS = 8, 30, 5, 200
HIGHEST_SHARE = 0.05


def main() -> None:
    """Print CPU a request with and without recording, their ratio with its interval, and the longest flush."""
    with around("tuned", workers=1) as settings, serve(settings) as worker:
        blocks = [_block(worker.url, number) for number in range(BLOCKS)]
    pairs = [block["pairs"] for block in blocks]
    off_us, on_us = (statistics.median(figures) for figures in zip(*itertools.chain(*pairs), strict=True))
    longest_ms = [block["longest_flush_ms"] for block in blocks]
    print(f"recording, {BLOCKS} processes of Locust, {PAIRS} interleaved pairs of {REQUESTS} requests each:")
    print(f"  CPU a request    off {off_us:.0f} µs, on {on_us:.0f} µs (medians)")
    print(f"  it costs         {Ratio.of(pairs).as_change()} (at most {HIGHEST_SHARE:.0%})")
    print(f"  longest flush    median {statistics.median(longest_ms):.1f} ms, at most {max(longest_ms):.1f} ms")


def _block(url, number):
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "TRACETRACK_RUN_DIRECTORY": folder, "GEVENT_RESOLVER": "block"}
        command = [sys.executable, "-m", "bench.recorded_user", url, str(number)]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def order(number: int, turn: int) -> list[bool]:
    """Whether recording is on in the two slices of a pair."""
    return random.Random(f"{number} {turn}").sample([False, True], 2)
