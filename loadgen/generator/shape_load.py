"""The load of a locustfile's own `LoadTestShape`, which decides how many users there are and when the load ends."""

import time
from typing import Any

from locust.env import Environment

from . import summary
from .virtual_user import VirtualUser

KIND = "shape"  # of a scenario


def install(environment: Environment) -> None:
    """Note what a summary has of a load; Locust itself starts and ends it."""
    began_cpu_ns = 0

    def begin(**_: Any) -> None:
        nonlocal began_cpu_ns
        began_cpu_ns = time.process_time_ns()

    def end(**_: Any) -> None:
        summary.details["cpu_ms"] = (time.process_time_ns() - began_cpu_ns) / 1e6
        summary.details["users"] = VirtualUser.counts()
        summary.details["done"] = True

    summary.details["stopped_by_locustfile"] = False
    environment.events.test_start.add_listener(begin)
    environment.events.test_stop.add_listener(end)
