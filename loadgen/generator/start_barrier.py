"""All users of a load, in one process of the generator or in several: they begin in one instant, and the last ends it.

Every process says when all of its users stand ready; the master lets them go at an instant of the clock that all
processes of a machine share, and ends the test when every process has said that its users are done.
"""

import fcntl
import gc
import os
import resource
import time
from contextlib import suppress

import gevent
from gevent.event import Event

from . import recording, summary
from .config import PROCESS

LOOK_EVERY_S = 0.02
HEAD_START_NS = 100_000_000  # between the word and the instant, where it has to reach other processes
OTHER_FILES = 64
NOBODY_STARTED = 4  # how a generator ends none of whose users could start


class Crowd:
    """The users of this process. `released_ns` is the instant at which all were let go, `over` counts those whose
    time it was to go: who leaves before is missing."""

    def __init__(self, environment, processes: int):
        self._environment = environment
        self._runner = environment.runner
        self._processes = processes
        self._waiting = self.over = 0
        self._spawned = Event()
        self._released = Event()
        self._released_cpu_ns = 0
        self._told: dict[str, set] = {"ready": set(), "done": set()}
        self.released_ns = 0
        environment.events.spawning_complete.add_listener(lambda **_: self._spawned.set())
        self._runner.register_message("release", self._release)
        if type(self._runner).__name__ != "WorkerRunner":
            self._runner.register_message("ready", lambda msg, **_: self._count("ready", msg, self._let_go))
            self._runner.register_message("done", lambda msg, **_: self._count("done", msg, self._runner.quit))
        if type(self._runner).__name__ != "MasterRunner":
            gevent.spawn(self._watch)

    def wait_for_all(self) -> None:
        """Stand ready until all are let go."""
        self._waiting += 1
        self._released.wait()

    def wait_for_release(self) -> None:
        """Wait until all are let go, without being one of them."""
        self._released.wait()

    def _watch(self):
        self._spawned.wait()
        while self._waiting < self._runner.user_count:
            gevent.sleep(LOOK_EVERY_S)
        if not self._runner.user_count and self._processes == 1:
            recording.give_up(self._environment, "no user could start", NOBODY_STARTED)
            return
        present = self._runner.user_count
        _make_room(present)
        # All that is there by now stays: looking through it again and again would hold up requests that are due.
        gc.collect()
        gc.freeze()
        self._runner.send_message("ready", {"process": PROCESS})
        self._released.wait()
        while self._runner.user_count:
            gevent.sleep(LOOK_EVERY_S)
        summary.about["cpu_ms"] = (time.process_time_ns() - self._released_cpu_ns) / 1e6
        summary.about["users"] = {"present": present, "left_early": present - self.over}
        summary.about["done"] = True
        self._runner.send_message("done", {"process": PROCESS})

    def _count(self, what, message, then):
        self._told[what].add(message.data["process"])
        if len(self._told[what]) == self._processes:
            then()

    def _let_go(self):
        head_start_ns = HEAD_START_NS if self._processes > 1 else 0
        self._runner.send_message("release", {"at_ns": time.monotonic_ns() + head_start_ns})

    def _release(self, msg, **_):
        gevent.sleep(max(0, msg.data["at_ns"] - time.monotonic_ns()) / 1e9)
        self.released_ns, self._released_cpu_ns = msg.data["at_ns"], time.process_time_ns()
        self._released.set()


def _make_room(users):
    """Have the kernel's table of our open files as long as it will get.

    It grows with the connections, and each time a process with threads stands still for some ten milliseconds.
    """
    most_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError), open(os.devnull) as file:  # where there is no more, that is for the requests to show
        os.close(fcntl.fcntl(file.fileno(), fcntl.F_DUPFD, min(users + OTHER_FILES, most_files - 1)))
