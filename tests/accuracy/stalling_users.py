"""Users of a generator that stands still: for `STALL_MS` every `STALL_EVERY_S`, in a way that `STALL_KIND` names."""

import os
import time

import gevent
from locust import FastHttpUser, events, task

STALL_S = float(os.environ["STALL_MS"]) / 1000
EVERY_S = float(os.environ["STALL_EVERY_S"])


def stall():
    """Hold up every user of this process."""
    if os.environ["STALL_KIND"] == "sleep":
        time.sleep(STALL_S)
        return
    end_s = time.perf_counter() + STALL_S
    while time.perf_counter() < end_s:
        pass


def stall_periodically():
    while True:
        gevent.sleep(EVERY_S)
        stall()


@events.init.add_listener
def start_stalling(**_):
    # The standard library's sleep, as of a driver written in C: Locust has replaced it by a cooperative one.
    time.sleep = gevent.monkey.get_original("time", "sleep")
    gevent.spawn(stall_periodically)


class StallingUser(FastHttpUser):
    """Requests the page that takes a fixed time."""

    @task
    def fixed(self):
        self.client.get("/fixed")
