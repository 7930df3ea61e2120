"""One Locust user in a process of its own, whose recording is switched on and off.

`bench.recording_cost` runs it as `python -m bench.recorded_user URL USERS BLOCK`.
"""

import gc
import itertools
import json
import time
from collections.abc import Callable

import click
from geventhttpclient.client import HTTPClient
from locust import FastHttpUser
from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment

from workbench.errors import reporting_errors

from .recording_cost import PAIRS, REQUESTS, WARM_UP, slice_order

Patches = tuple[Callable, Callable]  # the two methods of Locust's client that recording replaces

WITHOUT_RECORDING: Patches = (FastHttpSession.request, HTTPClient._build_request)


def cheapest(environment: Environment) -> Callable[[], object]:
    """A function that sends one request of a user that does not look at the response."""
    user = FastHttpUser(environment)
    return lambda: user.client.get("/login", name="page")


def tracetrack(environment: Environment) -> Callable[[], object]:
    """A function that sends one request of TraceTrack's own user, who checks the response's content."""
    from loadgen.generator.tracetrack_users import TraceTrackUser

    user = TraceTrackUser(environment)
    user.login()
    requests = itertools.cycle((user.dashboard, user.search))
    return lambda: next(requests)()


USERS = {"tracetrack": tracetrack, "cheapest": cheapest}


class SwitchedRecording:
    """The recording of this process, which can be switched off and on."""

    def __init__(self, environment: Environment):
        # Its import reads the configuration of the run, and where there is none begins a manual run.
        from loadgen.generator import recording

        runner = environment.create_local_runner()
        recorder = recording.start_recording(environment, runner)
        assert recorder is not None  # as it is for a master
        self.recorder = recorder
        self._with_recording: Patches = (FastHttpSession.request, HTTPClient._build_request)
        self._handlers = environment.events.request._handlers
        self._record = self._handlers[-1]

    def switch(self, on: bool) -> None:
        """Record what is sent from now on, or do not."""
        methods = self._with_recording if on else WITHOUT_RECORDING
        FastHttpSession.request, HTTPClient._build_request = methods  # type: ignore[method-assign]
        if on != (self._record in self._handlers):
            self._handlers.append(self._record) if on else self._handlers.remove(self._record)


@click.command()
@click.argument("url")
@click.argument("users", type=click.Choice(list(USERS)))
@click.argument("block", type=int)
def main(url: str, users: str, block: int) -> None:
    """Print as JSON the CPU time of a request in µs, without and with recording, of each pair of slices."""
    environment = Environment(host=url)
    recording = SwitchedRecording(environment)
    FastHttpUser.host = url
    send = USERS[users](environment)
    gc.freeze()

    def cpu_us(on: bool) -> float:
        recording.switch(on)
        start_s = time.process_time()
        for _ in range(REQUESTS):
            send()
        return (time.process_time() - start_s) / REQUESTS * 1e6

    pairs = []
    for pair in range(WARM_UP + PAIRS):
        slices = {on: cpu_us(on) for on in slice_order(block, pair)}
        pairs.append((slices[False], slices[True]))
    print(json.dumps({"pairs": pairs[WARM_UP:], "longest_flush_ms": recording.recorder.longest_flush_ms}))


if __name__ == "__main__":
    with reporting_errors():
        main(prog_name="python -m bench.recorded_user", standalone_mode=False)
