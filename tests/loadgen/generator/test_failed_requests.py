"""Failed requests leave no garbage that only a collection removes, as that would hold up the load."""

import subprocess
import sys

# In a process of its own: Locust patches what it imports.
SCRIPT = """
import gevent.monkey
gevent.monkey.patch_all()
import gc, socket
from locust import FastHttpUser
from locust.env import Environment
from loadgen.generator import timestamps

timestamps.install()
silent = socket.create_server(("127.0.0.1", 0), backlog=100)
address = f"http://127.0.0.1:{silent.getsockname()[1]}"
members = {"host": address, "network_timeout": 0.05, "connection_timeout": 0.05}
user = type("Impatient", (FastHttpUser,), members)(Environment())

def fail():
    with user.client.request("GET", "/", catch_response=True) as response:
        response.failure("no answer")

fail()
gc.collect()
gc.disable()
for _ in range(20):
    fail()
print(gc.collect() / 20)
"""
MAX_OBJECTS = 20  # a request; with the frames of its error they were 78


def test_failed_request_leaves_hardly_any_cycle():
    finished = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0, finished.stderr
    assert float(finished.stdout) < MAX_OBJECTS
