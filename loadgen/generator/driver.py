"""Prepares this process for the load of a run: checks the user classes, and lets the scenario pace them."""

import random
import socket

from locust.env import Environment
from locust.runners import Runner

from . import (
    client_warm_up,
    cpu_priority,
    host_guard,
    pacer,
    recording,
    rehearsal,
    shape_load,
    success_judge,
    summary,
    tls,
    user_classes,
)
from .config import PROCESS, SCENARIO, SEED, SUCCESS, TLS, URL, wait_for_start_signal


def prepare(environment: Environment, runner: Runner, **_: object) -> None:
    """Set this process up, and return when the users may start."""
    if reason := user_classes.refusal(environment, SCENARIO):
        recording.refuse(reason)
    rehearsal.end()
    removed = user_classes.remove_without_tasks(environment)
    summary.details["notes"] = [*removed, *user_classes.ignored_waits(environment, SCENARIO)]
    summary.details["scheduling"] = cpu_priority.raise_both()
    random.seed(f"{SEED}/{PROCESS}")  # a locustfile's own choices, as Locust's between tasks
    if SCENARIO["kind"] == shape_load.KIND:
        shape_load.install(environment)
    else:
        pacer.install(environment, runner, SCENARIO, SEED)
    success_judge.install(environment, SUCCESS)
    tls.install(TLS, environment.user_classes)
    socket.getaddrinfo("127.0.0.1", None)  # the resolver is loaded at its first use
    host_guard.install(URL)
    client_warm_up.send()
    wait_for_start_signal()
