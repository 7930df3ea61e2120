"""Pacing policies: for each kind of scenario, the times at which users start their tasks.

Locust lets a task set wait after each task. The functions that `install` puts in the place of that wait, and before the
first task, ask the policy instead. So any user class serves every kind of scenario: in a `burst` each user does a
number of tasks without a pause, under `sustained` load with think time in between, and under `open` load a task starts
when the schedule says, done by any user that is free.
"""

import random
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import AsyncResult
from locust import User
from locust.env import Environment
from locust.exception import StopUser
from locust.user.task import DefaultTaskSet, TaskSet

from ..arrivals import Piece, arrival_times_s, share_of_process
from . import summary, timestamps, virtual_user
from .config import PROCESS, PROCESSES
from .start_barrier import StartBarrier
from .virtual_user import VirtualUser, virtual_user_of

LONG_NS, WAKING_NS = 2_000_000, 400_000


class PacingPolicy:
    """The times of a scenario on the clock of this machine, once all users are released together.

    `wait_for_first` blocks a user until their first task is due, `wait_for_next` until each further one. Both set the
    due time and the phase of the next request, and raise `StopUser` where there is no further task.
    """

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

    def wait_for_first(self, user: User, state: VirtualUser) -> None:
        """Return when the user's first task is due."""
        raise NotImplementedError

    def wait_for_next(self, user: User, state: VirtualUser) -> None:
        """Return when the user's next task is due."""
        raise NotImplementedError


class Passes(PacingPolicy):
    """A number of tasks one after the other without a pause, and further ones until the duration is over, if any."""

    def wait_for_first(self, user: User, state: VirtualUser) -> None:
        state.scheduled_ns = self.barrier.released_ns
        state.measured = not (self.scenario["warmup_passes"] or self.scenario["warmup_s"])

    def wait_for_next(self, user: User, state: VirtualUser) -> None:
        state.tasks_done += 1
        now_ns, warmup = time.monotonic_ns(), self.scenario["warmup_passes"]
        if state.tasks_done >= warmup + self.scenario["passes"] and now_ns >= self.end_ns:
            raise StopUser
        state.measured = state.tasks_done >= warmup and now_ns >= self.measured_start_ns


class ThinkTime(PacingPolicy):
    """Tasks with think time between them until the duration is over; a request in flight is not cut off.

    A user class with a `wait_time` of its own keeps it.
    """

    def wait_for_first(self, user: User, state: VirtualUser) -> None:
        state.pauses = random.Random(f"{self.seed}/pauses/{state.number}")
        # A full range from 0 on, or all users would stay in step.
        self._pause(state, state.pauses.uniform(0, self.scenario["think_s"][1]))

    def wait_for_next(self, user: User, state: VirtualUser) -> None:
        has_own = type(user).wait_time is not User.wait_time
        self._pause(state, user.wait_time() if has_own else state.pauses.uniform(*self.scenario["think_s"]))

    def _pause(self, state: VirtualUser, pause_s: float) -> None:
        due_ns = time.monotonic_ns() + round(pause_s * 1e9)
        gevent.sleep(pause_s)
        if time.monotonic_ns() >= self.end_ns:
            raise StopUser
        state.scheduled_ns, state.measured = due_ns, due_ns >= self.measured_start_ns


class OpenArrivals(PacingPolicy):
    """Tasks that start when the schedule says, whether or not earlier ones have ended.

    The number of users is the cap on the requests in flight: an arrival that finds no free user is dropped
    and counted.
    """

    def __init__(self, scenario: dict[str, Any], seed: int, barrier: StartBarrier):
        super().__init__(scenario, seed, barrier)
        self._free: deque[AsyncResult] = deque()  # the free users, each waiting for the due time of their task
        self._dropped = {"warmup": 0, "measure": 0}
        summary.details["dropped"] = self._dropped
        gevent.spawn(self._dispatch)

    def wait_for_first(self, user: User, state: VirtualUser) -> None:
        due: AsyncResult = AsyncResult()
        self._free.append(due)
        state.scheduled_ns = due.get()
        if state.scheduled_ns is None:
            raise StopUser
        state.measured = state.scheduled_ns >= self.measured_start_ns

    wait_for_next = wait_for_first

    def _dispatch(self) -> None:
        self.barrier.wait_for_release()
        gevent.sleep(0)  # until all released users are waiting for a task
        pieces = [Piece(*piece) for piece in self.scenario["pieces"]]
        times_s = arrival_times_s(pieces, self.scenario["arrivals"], f"{self.seed}/arrivals")
        for time_s in share_of_process(times_s, PROCESS, PROCESSES):
            due_ns = self.barrier.released_ns + round(time_s * 1e9)
            _sleep_until(due_ns)
            self._start_task(due_ns)
        _sleep_until(self.end_ns)
        self._close()

    def _start_task(self, due_ns: int) -> None:
        if self._free:
            self._free.popleft().set(due_ns)
        else:
            self._dropped["measure" if due_ns >= self.measured_start_ns else "warmup"] += 1

    def _close(self) -> None:
        """Stop the free users now, and the busy ones when their task has ended."""
        self._free, free = _ClosedQueue(), self._free
        for due in free:
            due.set(None)


class _ClosedQueue(deque[AsyncResult]):
    """The queue after the last task: it stops each user that comes."""

    def append(self, due: AsyncResult) -> None:
        due.set(None)


POLICIES: dict[str, type[PacingPolicy]] = {
    "single": Passes,
    "burst": Passes,
    "sustained": ThinkTime,
    "open": OpenArrivals,
}


def install(environment: Environment, runner: Any, scenario: dict[str, Any], seed: int) -> None:
    """Let the scenario decide when the users of this process do their tasks."""
    barrier = StartBarrier(environment, runner, PROCESSES)
    policy = POLICIES[scenario["kind"]](scenario, seed, barrier)
    VirtualUser.measured_at_first = False
    _replace_waits(policy, _task_waiter(policy))
    gevent.spawn(_mark_in_flight, policy)


def _task_waiter(policy: PacingPolicy) -> Callable[..., None]:
    """A function that returns when the next task of a Locust user is due, and counts the tasks by phase."""
    barrier = policy.barrier
    started_tasks = summary.details["started_tasks"] = {"warmup": 0, "measure": 0}

    def wait_for_task(user: User, wait: Callable[[User, VirtualUser], None] = policy.wait_for_next) -> None:
        state = virtual_user_of(user)
        if state.task_due:
            return
        try:
            wait(user, state)
        except StopUser:
            barrier.finished += 1
            raise
        state.task_due = True
        started_tasks["measure" if state.measured else "warmup"] += 1

    return wait_for_task


def _replace_waits(policy: PacingPolicy, wait_for_task: Callable[..., None]) -> None:
    """Let Locust's task sets wait at the barrier, before their first task, and before each further one."""
    run, execute_tasks = TaskSet.run, (TaskSet.execute_task, DefaultTaskSet.execute_task)

    def run_after_release(self: TaskSet) -> None:
        virtual_user.current.set(virtual_user_of(self.user))
        policy.barrier.wait()
        wait_for_task(self.user, policy.wait_for_first)
        run(self)

    def when_due(execute: Callable[..., None]) -> Callable[..., None]:
        def execute_task(self: TaskSet, task: Any) -> None:
            # A nested task set is no task itself; and after leaving one, Locust goes on without a wait.
            if not (isinstance(task, type) and issubclass(task, TaskSet)):
                wait_for_task(self.user)
                virtual_user_of(self.user).task_due = False
            execute(self, task)

        return execute_task

    # Locust has no hooks for these.
    DefaultTaskSet.run = run_after_release  # type: ignore[method-assign, misc]
    TaskSet.execute_task, DefaultTaskSet.execute_task = map(when_due, execute_tasks)  # type: ignore[method-assign]
    TaskSet.wait = lambda self: wait_for_task(self.user)  # type: ignore[method-assign]


def _mark_in_flight(policy: PacingPolicy) -> None:
    """Note the requests in flight at both ends of the measured time."""
    policy.barrier.wait_for_release()
    for instant_ns in (policy.measured_start_ns, policy.end_ns):
        _sleep_until(instant_ns)
        timestamps.in_flight.mark()


def _sleep_until(instant_ns: int) -> None:
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
