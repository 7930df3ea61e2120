"""The first locustfile of a run: records every request, and lets the scenario decide when users do their tasks.

The second one has the user classes: TraceTrack's own, or any other.
"""

import random
import socket

from locust import events

from . import pacer, summary
from .config import PROCESS, SCENARIO, SEED, wait_for_the_word
from .cpu_priority import come_first
from .host_guard import confine


@events.init.add_listener
def begin(environment, **_):
    summary.about["scheduling"] = come_first()
    random.seed(f"{SEED}/{PROCESS}")  # a locustfile's own choices, as Locust's between tasks
    pacer.govern(environment, SCENARIO, SEED)
    socket.getaddrinfo("127.0.0.1", None)  # what finds hosts is loaded at its first use
    confine(environment.host)
    wait_for_the_word()
