"""The first locustfile of a run: records every request, and lets the scenario decide when users do their tasks.

The second one has the user classes: TraceTrack's own, or any other.
"""

import gc
import random

from locust import events

from loadgen.generator import pace
from loadgen.generator.asked import PROCESS, SCENARIO, SEED, wait_for_the_word


@events.init.add_listener
def begin(environment, **_):
    random.seed(f"{SEED}/{PROCESS}")  # a locustfile's own choices, as Locust's between tasks
    pace.govern(environment, SCENARIO, SEED)
    # What is there by now stays: looking through it again and again would hold up requests that are due.
    gc.collect()
    gc.freeze()
    wait_for_the_word()
