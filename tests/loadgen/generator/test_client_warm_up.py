"""The warm-up of Locust's client: it leaves no trace in what a run counts."""

import json
import os
import subprocess
import sys

from workbench.paths import REPOSITORY

# Warms the client up in a process as the generator's, and prints what a run could notice of it.
WARMED_UP = """
import json
import locust
from locust import events
from loadgen.generator import client_warm_up, timestamps
from loadgen.generator.virtual_user import VirtualUser

heard = []
events.request.add_listener(lambda **request: heard.append(request))
timestamps.install()
client_warm_up.send()
counted = timestamps.in_flight
print(json.dumps({"heard": len(heard), "in flight": counted.current, "complete": counted.is_complete,
                  "first user": next(VirtualUser.numbers), "spawned": VirtualUser.spawned}))
"""


def test_a_warm_up_is_heard_by_no_listener_and_takes_no_user():
    finished = subprocess.run(
        [sys.executable, "-c", WARMED_UP], cwd=REPOSITORY, capture_output=True, text=True, timeout=120, env=os.environ
    )
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout) == {
        "heard": 0, "in flight": 0, "complete": True, "first user": 0, "spawned": 0,
    }  # fmt: skip
