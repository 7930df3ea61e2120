"""The first locustfile of a run: records every request, and lets the scenario decide when users do their tasks.

The second locustfile has the user classes: TraceTrack's own, or any others. Locust loads both by path, outside of any
package, so that their imports have to be absolute.
"""

import random
import socket

from locust import events
from locust.env import Environment
from locust.runners import Runner

from loadgen.generator import cpu_priority, host_guard, pacer, summary
from loadgen.generator.config import PROCESS, SCENARIO, SEED, wait_for_start_signal


@events.init.add_listener
def prepare(environment: Environment, runner: Runner, **_: object) -> None:
    """Set this process up, and return when the users may start."""
    summary.details["scheduling"] = cpu_priority.raise_both()
    random.seed(f"{SEED}/{PROCESS}")  # a locustfile's own choices, as Locust's between tasks
    pacer.install(environment, runner, SCENARIO, SEED)
    socket.getaddrinfo("127.0.0.1", None)  # the resolver is loaded at its first use
    host_guard.install(environment.host or "")
    wait_for_start_signal()
