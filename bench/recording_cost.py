"""What recording costs the load generator: CPU a request of one Locust user, with and without, in turns.

Both are in one process, as two processes of one program differ from birth; its recording is switched on and off between
slices of some hundred requests. The users are TraceTrack's own, and the lightest there are: what these ask for is a
page without a session, and they do not look at it.
"""

import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from loadgen import dataset, scenarios
from loadgen.locust_runner import Load

from .interval import Ratio
from .served_worker import around, serve

BLOCKS, PAIRS, WARM_UP, REQUESTS = 8, 30, 5, 200
HIGHEST_SHARE = 0.05


def main() -> None:
    """Print CPU a request with and without recording, their ratio with its interval, and the longest flush."""
    with around("tuned", workers=1) as settings, serve(settings) as worker:
        for people in ("tracetrack", "lightest"):
            _print(people, [_block(worker.url, people, number) for number in range(BLOCKS)])


def _print(people, blocks):
    pairs = [block["pairs"] for block in blocks]
    off_us, on_us = (statistics.median(figures) for figures in zip(*itertools.chain(*pairs), strict=True))
    longest_ms = [block["longest_flush_ms"] for block in blocks]
    print(f"recording, users {people}, {BLOCKS} processes, {PAIRS} interleaved pairs of {REQUESTS} requests each:")
    print(f"  CPU a request    off {off_us:.0f} µs, on {on_us:.0f} µs (medians)")
    print(f"  it costs         {Ratio.of(pairs).as_change()} (at most {HIGHEST_SHARE:.0%})")
    print(f"  longest flush    median {statistics.median(longest_ms):.1f} ms, at most {max(longest_ms):.1f} ms")


def _block(url, people, number):
    with tempfile.TemporaryDirectory() as folder:
        load = Load(scenarios.find("sustained-1"), number, dataset.find_scale("small").counts())
        environ = {**os.environ, **load.environ(Path(folder), time.monotonic_ns())}
        command = [sys.executable, "-m", "bench.recorded_user", url, people, str(number)]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def order(number: int, turn: int) -> list[bool]:
    """Whether recording is on in the two slices of a pair."""
    return random.Random(f"{number} {turn}").sample([False, True], 2)
