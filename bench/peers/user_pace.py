"""What the Locust users of the comparison have in common: the path that they request, and their pace.

With `RATE_VARIABLE`, the requests a second of each user, they request the path of the timed server at that
rate, beginning at an instant of their own. Without it they request the root, one time after the other.
"""

import os
import random
from collections.abc import Callable

import gevent
from locust import constant, constant_throughput

from bench.peers.planned_load import RATE_VARIABLE, TIMED_PATH

RATE_RPS = float(os.environ.get(RATE_VARIABLE) or 0)
PATH = TIMED_PATH if RATE_RPS else "/"


def wait_time() -> Callable[..., float]:
    """Locust's wait between the tasks of a user."""
    return constant_throughput(RATE_RPS) if RATE_RPS else constant(0)


def wait_for_turn() -> None:
    """Let users begin apart from each other: Locust starts them in one instant, and they would stay in step."""
    if RATE_RPS:
        gevent.sleep(random.uniform(0, 1 / RATE_RPS))
