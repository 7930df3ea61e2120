"""What this process of the generator was asked to do, by the environment that `loadgen.locust_runner` gives it:

TRACETRACK_RUN_DIRECTORY  where the rows go; a run of its own where Locust was started by hand
TRACETRACK_RUN_STARTED_NS the monotonic clock at the start of the run
TRACETRACK_PROCESS        the number of this process of the generator, and how many there are: 0/1; a process of a
                          Locust that was started by hand takes the next number, see `alone`
TRACETRACK_SCENARIO       the scenario as JSON
TRACETRACK_SEED           seed of the users' random numbers
TRACETRACK_ROWS           rows by table, from which the users of TraceTrack draw existing ids, as JSON
TRACETRACK_WORD           a file whose appearing lets the users come; at once where it is not set
"""

import json
import os
import time
from pathlib import Path

import gevent

from . import manual_run

LOOK_EVERY_S = 0.01

DIRECTORY = Path(os.environ.get("TRACETRACK_RUN_DIRECTORY") or manual_run.begin())
BY_HAND = "TRACETRACK_PROCESS" not in os.environ
STARTED_NS = int(os.environ.get("TRACETRACK_RUN_STARTED_NS") or time.monotonic_ns())
PROCESS, PROCESSES = map(int, os.environ.get("TRACETRACK_PROCESS", "0/1").split("/"))
SCENARIO = json.loads(os.environ.get("TRACETRACK_SCENARIO", "{}"))
SEED = int(os.environ.get("TRACETRACK_SEED", "0"))
ROWS = json.loads(os.environ.get("TRACETRACK_ROWS", "{}"))
WORD = os.environ.get("TRACETRACK_WORD")


def wait_for_the_word() -> None:
    """Return when the users may come: what they ask is there."""
    while WORD and not os.path.exists(WORD):
        gevent.sleep(LOOK_EVERY_S)
