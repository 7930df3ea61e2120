"""A barrier for all users of a load, in one process of the generator or in several: they start at one instant.

Every process reports when all of its users wait at the barrier. The master releases them at an instant of the clock
that all processes of a machine share, and ends the test when every process has reported that its users are done. On
another host the instant is one of that host's own clock, by the measured offset of the two.
"""

import fcntl
import gc
import os
import resource
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import gevent
from gevent.event import Event
from locust import log
from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

from . import recording, summary
from .config import CLOCK_OFFSET_NS, OVER_HOSTS, PROCESS
from .virtual_user import VirtualUser

YOUNGER_COLLECTIONS = 100  # of garbage, before one that looks at all objects; ten by default
SPAWN_INTERVAL_S, CHECK_INTERVAL_S = 0.005, 0.02  # before the release, and during the load
RELEASE_LEAD_NS = 100_000_000  # between the message and the instant, so that it reaches other processes in time
HOSTS_LEAD_NS = 1_000_000_000  # the same, on the way to another host
OTHER_FILES = 64


class StartBarrier:
    """The barrier of this process.

    `released_ns` is the instant (monotonic ns) of the release.
    """

    def __init__(self, environment: Environment, runner: LocalRunner | MasterRunner | WorkerRunner, processes: int):
        self._environment = environment
        self._runner = runner
        self._processes = processes
        self._waiting = 0
        self._spawned = Event()
        self._released = Event()
        self._released_cpu_ns = 0
        self._reports: dict[str, set[int]] = {"ready": set(), "done": set()}  # numbers of the processes by message
        self.released_ns = 0
        environment.events.spawning_complete.add_listener(lambda **_: self._spawned.set())
        self._runner.register_message("release", self._release)
        if type(self._runner).__name__ != "WorkerRunner":
            self._runner.register_message("ready", lambda msg, **_: self._collect("ready", msg, self._send_release))
            self._runner.register_message("done", lambda msg, **_: self._collect("done", msg, self._runner.quit))
        if type(self._runner).__name__ != "MasterRunner":
            gevent.spawn(self._supervise)

    def wait(self) -> None:
        """Wait, as one of the users, until all are released."""
        self._waiting += 1
        self._released.wait()

    def wait_for_release(self) -> None:
        """Wait for the release without being one of the users."""
        self._released.wait()

    def _supervise(self) -> None:
        """Report when the users of this process are ready, and when they are done."""
        while not self._spawned.wait(SPAWN_INTERVAL_S):
            if log.unhandled_greenlet_exception:
                recording.abort(self._environment, "a user could not be created")
                return
        while self._waiting < self._runner.user_count:
            gevent.sleep(SPAWN_INTERVAL_S)
        if not self._runner.user_count and self._processes == 1:
            recording.abort(self._environment, "no user could start")
            return
        _reserve_file_table(self._runner.user_count)
        # Everything that exists by now stays: looking through it again and again would hold up requests that are due.
        gc.collect()
        gc.freeze()
        # What users then keep, as requests in flight, is looked through less often: that takes some 50 ms each time.
        gc.set_threshold(*gc.get_threshold()[:2], YOUNGER_COLLECTIONS)
        self._runner.send_message("ready", {"process": PROCESS})
        self._released.wait()
        while self._runner.user_count:
            gevent.sleep(CHECK_INTERVAL_S)
        summary.details["cpu_ms"] = (time.process_time_ns() - self._released_cpu_ns) / 1e6
        summary.details["users"] = VirtualUser.counts()
        summary.details["done"] = True
        if isinstance(self._runner, WorkerRunner):
            self._runner._send_stats()  # Locust's own report at the end may come too late for its master
        self._runner.send_message("done", {"process": PROCESS})

    def _collect(self, name: str, message: Any, complete: Callable[[], None]) -> None:
        """Note the report of a process; `complete` is called when all have sent theirs."""
        self._reports[name].add(message.data["process"])
        if len(self._reports[name]) == self._processes:
            complete()

    def _send_release(self) -> None:
        lead_ns = HOSTS_LEAD_NS if OVER_HOSTS else RELEASE_LEAD_NS if self._processes > 1 else 0
        self._runner.send_message("release", {"at_ns": time.monotonic_ns() + lead_ns})

    def _release(self, msg: Any, **_: object) -> None:
        at_ns = msg.data["at_ns"] + CLOCK_OFFSET_NS
        gevent.sleep(max(0, at_ns - time.monotonic_ns()) / 1e9)
        self.released_ns, self._released_cpu_ns = at_ns, time.process_time_ns()
        self._released.set()


def _reserve_file_table(users: int) -> None:
    """Make the kernel's table of our open files as long as it will get.

    It grows with the connections, and each time a process with threads stands still for some ten milliseconds.
    """
    max_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError), open(os.devnull) as file:  # too low a limit shows in the requests
        os.close(fcntl.fcntl(file.fileno(), fcntl.F_DUPFD, min(users + OTHER_FILES, max_files - 1)))
