"""Pacing policies: for each kind of scenario, the times at which users start their tasks.

A policy is asked before each task of a user. In a `burst` each user does a number of tasks without a pause, under
`sustained` load with think time in between, and under `open` load a task starts when the schedule says, done by any
user that is free.
"""

import math
import random
import time
from collections import deque
from typing import Any

import gevent
from gevent.event import AsyncResult
from locust import User
from locust.exception import StopUser
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING, TaskSet

from ..arrivals import Piece, arrival_times_s, share_of_process
from . import summary
from .config import PROCESS, PROCESSES
from .start_barrier import StartBarrier
from .virtual_user import VirtualUser, virtual_user_of

LONG_NS, WAKING_NS = 2_000_000, 400_000
MAX_WAITING = 50_000  # arrivals that wait for a user; what they take of memory is some megabytes
MIN_DRAIN_S = 10.0  # after the end of the load, for arrivals that were due before it


class PacingPolicy:
    """The times of a scenario on the clock of this machine, once all users are released together.

    `wait_for_first` blocks a user until their first task is due, `wait_for_next` until each further one. Both mark the
    user as ready for it, and raise `StopUser` where there is no further task. `waits_between_tasks` says that users
    have think time; elsewhere a `wait_time` of their class has no effect between tasks.
    """

    waits_between_tasks = False
    stops_pauses = True  # at the end of the load, also those within a task

    def __init__(self, scenario: dict[str, Any], seed: int, barrier: StartBarrier):
        self.scenario = scenario
        self.seed = seed
        self.barrier = barrier

    @property
    def measured_start_ns(self) -> int:
        """The end of the warm-up (monotonic ns)."""
        return self.barrier.released_ns + round(self.scenario["warmup_s"] * 1e9)

    @property
    def end_ns(self) -> int:
        """The end of the measured time (monotonic ns)."""
        return self.measured_start_ns + round(self.scenario["duration_s"] * 1e9)

    @property
    def has_end(self) -> bool:
        """Whether time ends the load, and not the last task of each user."""
        return self.scenario["duration_s"] > 0

    def release(self) -> None:
        """Begin the load, at the instant at which all users are released."""
        VirtualUser.release(self.measured_start_ns, self.end_ns)

    def end(self) -> None:
        """End the load: users that wait between tasks get no further task."""

    def wait_for_first(self, taskset: TaskSet, state: VirtualUser) -> None:
        """Return when the user's first task is due."""
        raise NotImplementedError

    def wait_for_next(self, taskset: TaskSet, state: VirtualUser) -> None:
        """Return when the user's next task is due."""
        raise NotImplementedError


class Passes(PacingPolicy):
    """A number of tasks one after the other without a pause, and further ones until the duration is over, if any."""

    def release(self) -> None:
        VirtualUser.release(self.measured_start_ns, math.inf)

    def wait_for_first(self, taskset: TaskSet, state: VirtualUser) -> None:
        state.mark_ready(self.barrier.released_ns)
        if self.scenario["warmup_passes"]:
            state.measured_from_ns = math.inf

    def wait_for_next(self, taskset: TaskSet, state: VirtualUser) -> None:
        gevent.sleep(0)  # tasks that send nothing hold nobody up
        state.tasks_done += 1
        now_ns, warmup = time.monotonic_ns(), self.scenario["warmup_passes"]
        if state.tasks_done >= warmup + self.scenario["passes"] and now_ns >= self.end_ns:
            raise StopUser
        if warmup and state.tasks_done == warmup:
            state.measured_from_ns = max(now_ns, self.measured_start_ns)


class ThinkTime(PacingPolicy):
    """Tasks with think time between them until the duration is over; a request in flight is not cut off.

    Locust itself waits between the tasks. A user class without a `wait_time` of its own has the scenario's.
    """

    waits_between_tasks = True

    def __init__(self, scenario: dict[str, Any], seed: int, barrier: StartBarrier):
        super().__init__(scenario, seed, barrier)
        User.wait_time = lambda user: self._random(user).uniform(*scenario["think_s"])

    def _random(self, user: User) -> random.Random:
        """The random numbers of a user, the same for each of the task sets."""
        state = virtual_user_of(user)
        if not hasattr(state, "pauses"):
            state.pauses = random.Random(f"{self.seed}/pauses/{state.number}")
        return state.pauses

    def wait_for_first(self, taskset: TaskSet, state: VirtualUser) -> None:
        user = taskset.user
        # A full range from 0 on, or all users would stay in step; their cycle contains the wait for a carrier.
        cycle_s = self.scenario["think_s"][1] + self.scenario["upstream_ms"] / 1000
        pause_s = self._random(user).uniform(0, cycle_s)
        user._state = LOCUST_STATE_WAITING
        taskset._sleep(pause_s)
        if user._state == LOCUST_STATE_STOPPING:
            raise StopUser
        user._state = LOCUST_STATE_RUNNING
        for paced in (user, taskset):  # the pace of constant_pacing counts from the first task on
            paced._cp_last_run, paced._cp_last_wait_time = time.perf_counter(), 0.0
        self.wait_for_next(taskset, state)

    def wait_for_next(self, taskset: TaskSet, state: VirtualUser) -> None:
        if (state.scheduled_ns or time.monotonic_ns()) >= self.end_ns:
            raise StopUser


class OpenArrivals(PacingPolicy):
    """Tasks that start when the schedule says, whether or not earlier ones have ended.

    An arrival that finds no free user waits for one, however long: its response time counts from when it was due. Only
    where `MAX_WAITING` of them wait, or the time to drain them is over, are further ones dropped, and counted.
    """

    stops_pauses = False

    def __init__(self, scenario: dict[str, Any], seed: int, barrier: StartBarrier):
        super().__init__(scenario, seed, barrier)
        self._free: deque[AsyncResult] = deque()  # the free users, each waiting for the due time of their task
        self._waiting: deque[int] = deque()  # the due times of arrivals that wait for a user
        self._is_over = False
        self._dropped = {"warmup": 0, "measure": 0}
        summary.details["dropped"] = self._dropped
        gevent.spawn(self._dispatch)

    def wait_for_first(self, taskset: TaskSet, state: VirtualUser) -> None:
        now_ns, due_ns = time.monotonic_ns(), self._next_due()
        if due_ns is None:
            raise StopUser
        state.arrival_ns = due_ns
        state.mark_ready(due_ns, max(0, now_ns - due_ns))

    wait_for_next = wait_for_first

    def _next_due(self) -> int | None:
        """The due time of the task for a user that is free now; None after the last one."""
        if self._waiting:
            return self._waiting.popleft()
        if self._is_over:
            return None
        due: AsyncResult = AsyncResult()
        self._free.append(due)
        return due.get()

    def _dispatch(self) -> None:
        self.barrier.wait_for_release()
        gevent.sleep(0)  # until all released users are waiting for a task
        pieces = [Piece(*piece) for piece in self.scenario["pieces"]]
        times_s = arrival_times_s(pieces, self.scenario["arrivals"], f"{self.seed}/arrivals")
        for time_s in share_of_process(times_s, PROCESS, PROCESSES):
            due_ns = self.barrier.released_ns + round(time_s * 1e9)
            sleep_until(due_ns)
            self._start_task(due_ns)

    def _start_task(self, due_ns: int) -> None:
        if self._free:
            self._free.popleft().set(due_ns)
        elif len(self._waiting) < MAX_WAITING:
            self._waiting.append(due_ns)
        else:
            self._drop(due_ns)

    def _drop(self, due_ns: int) -> None:
        self._dropped["measure" if due_ns >= self.measured_start_ns else "warmup"] += 1

    def end(self) -> None:
        """Stop the free users now, and the busy ones when no arrival waits any more."""
        self._is_over = True
        while self._free:
            self._free.popleft().set(None)
        # As long as the load itself: an overload of less than two is drained.
        gevent.spawn_later(max(MIN_DRAIN_S, self.scenario["duration_s"]), self._drop_waiting)

    def _drop_waiting(self) -> None:
        while self._waiting:
            self._drop(self._waiting.popleft())


POLICIES: dict[str, type[PacingPolicy]] = {
    "single": Passes,
    "burst": Passes,
    "sustained": ThinkTime,
    "open": OpenArrivals,
}


def sleep_until(instant_ns: int) -> None:
    """Sleep until the instant (monotonic ns); not at all where it has passed, so that overdue tasks start at once.

    A processor that idles takes a quarter of a millisecond to be awake again: after a long sleep this wakes before the
    instant and watches the clock, and whatever comes meanwhile. Where requests are due in close order it does not idle.
    """
    ahead_ns = instant_ns - time.monotonic_ns()
    if ahead_ns > LONG_NS:
        gevent.sleep((ahead_ns - WAKING_NS) / 1e9)
        while time.monotonic_ns() < instant_ns:
            gevent.sleep(0)
    elif ahead_ns > 0:
        gevent.sleep(ahead_ns / 1e9)
