"""One Locust user in a process of its own, whose recording is switched on and off: `python -m bench.recorded_user`."""

import gc
import itertools
import json
import sys
import time

from geventhttpclient.client import HTTPClient
from locust import FastHttpUser
from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment

PLAIN = FastHttpSession.request, HTTPClient._build_request


def lightest(environment):
    """The requests of a user that does nothing with its answers."""
    user = FastHttpUser(environment)
    return lambda: user.client.get("/login", name="page")


def tracetrack(environment):
    """Those of TraceTrack's own, who judges by content."""
    from loadgen.generator.tracetrack_users import TraceTrackUser

    user = TraceTrackUser(environment)
    user.login()
    turns = itertools.cycle((user.dashboard, user.search))
    return lambda: next(turns)()


def main(url: str, people: str, number: int) -> None:
    """Print as JSON the CPU in µs for a request, without and with recording, of each pair of slices."""
    from loadgen.generator import recording

    from .recording_cost import PAIRS, REQUESTS, WARM_UP, order

    environment = Environment(host=url)
    environment.create_local_runner()
    recorder = recording.start_recording(environment, environment.runner)
    recorded = FastHttpSession.request, HTTPClient._build_request
    record = environment.events.request._handlers[-1]
    FastHttpUser.host = url
    send = {"lightest": lightest, "tracetrack": tracetrack}[people](environment)
    gc.freeze()

    def cpu_us(on):
        FastHttpSession.request, HTTPClient._build_request = recorded if on else PLAIN
        handlers = environment.events.request._handlers
        if on != (record in handlers):
            handlers.append(record) if on else handlers.remove(record)
        began_s = time.process_time()
        for _ in range(REQUESTS):
            send()
        return (time.process_time() - began_s) / REQUESTS * 1e6

    pairs = []
    for turn in range(WARM_UP + PAIRS):
        measured = {on: cpu_us(on) for on in order(number, turn)}
        pairs.append((measured[False], measured[True]))
    print(json.dumps({"pairs": pairs[WARM_UP:], "longest_flush_ms": recorder.longest_flush_ms}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
