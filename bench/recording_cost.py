"""CPU time that recording costs the load generator a request: one Locust user, with and without, in turn.

Both are in one process, because two processes of one program differ from their start; its recording is switched on and
off between slices of some hundred requests. The users are TraceTrack's own, and the cheapest possible ones, which
request a page without a session and do not look at it.
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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadgen import dataset, scenarios
from loadgen.locust_runner import Load
from workbench.arms import TUNED

from .interval import Ratio
from .served_worker import RUN_TOKEN, backing_services, serve

BLOCKS, PAIRS, WARM_UP, REQUESTS = 8, 30, 5, 200
USERS = ("tracetrack", "cheapest")  # classes of users, see `recorded_user`
MAX_COST = 0.05


def main() -> None:
    """Print the CPU time a request with and without recording, their ratio with its interval, and the longest flush."""
    with backing_services(TUNED, workers=1) as settings, serve(settings) as worker:
        for users in USERS:
            _print(users, [_block(worker.url, users, number) for number in range(BLOCKS)])


def _print(users: str, blocks: Sequence[dict[str, Any]]) -> None:
    pairs = [block["pairs"] for block in blocks]
    off_us, on_us = (statistics.median(values) for values in zip(*itertools.chain(*pairs), strict=True))
    longest_ms = [block["longest_flush_ms"] for block in blocks]
    print(f"recording, users {users}, {BLOCKS} processes, {PAIRS} interleaved pairs of {REQUESTS} requests each:")
    print(f"  CPU a request    off {off_us:.0f} µs, on {on_us:.0f} µs (medians)")
    print(f"  it costs         {Ratio.from_blocks(pairs).as_change()} (at most {MAX_COST:.0%})")
    print(f"  longest flush    median {statistics.median(longest_ms):.1f} ms, at most {max(longest_ms):.1f} ms")


def _block(url: str, users: str, number: int) -> dict[str, Any]:
    """The pairs and the longest flush that `recorded_user` measures in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        load = Load(scenarios.find("sustained-1"), number, dataset.find_scale("small").counts(), run_token=RUN_TOKEN)
        environ = {**os.environ, **load.environ(Path(folder), time.monotonic_ns())}
        command = [sys.executable, "-m", "bench.recorded_user", url, users, str(number)]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def slice_order(block: int, pair: int) -> list[bool]:
    """The order of the two slices of a pair: for each, whether recording is on."""
    return random.Random(f"{block} {pair}").sample([False, True], 2)
