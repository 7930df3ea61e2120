"""The pacer: lets a scenario decide when Locust's users do their tasks, and leaves all else to Locust.

Three methods of Locust's task sets are replaced, as there are no hooks for them. Before each task there is a gate, at
which a user waits until the policy of the scenario allows the task. The wait after each task is left out where the
scenario has no think time. And the sleep of a wait notes when the next request is due. `wait_time`, `self.wait()`,
nested and sequential task sets, `interrupt`, `on_start`, `on_stop` and `StopUser` mean what they mean in Locust.
"""

import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment
from locust.exception import InterruptTaskSet, StopTest, StopUser
from locust.user.task import TaskSet

from workbench.request_schema import MEASURE, START, STOP, WARM_UP

from . import load_end, sequences, summary, timestamps
from .config import GIVEN_DIRECTORY, PROCESS, PROCESSES
from .interface import RELEASED
from .pacing_policies import POLICIES, PacingPolicy, sleep_until
from .start_barrier import StartBarrier
from .virtual_user import BETWEEN_TASKS, TASK, VirtualUser, virtual_user_of

LEAVING = (InterruptTaskSet, StopUser, StopTest, gevent.GreenletExit)  # after these Locust calls `on_stop`


def install(environment: Environment, runner: Any, scenario: dict[str, Any], seed: int) -> None:
    """Let the scenario decide when the users of this process do their tasks."""
    barrier = StartBarrier(environment, runner, PROCESSES)
    policy = POLICIES[scenario["kind"]](scenario, seed, barrier)
    VirtualUser.pace()
    _replace_task_set_methods(policy)
    gevent.spawn(_follow, policy, runner)


def _replace_task_set_methods(policy: PacingPolicy) -> None:
    TaskSet.execute_next_task = _behind_gate(policy, TaskSet.execute_next_task)  # type: ignore[method-assign]
    TaskSet.wait = _between_tasks(policy, TaskSet.wait)  # type: ignore[method-assign]
    TaskSet._sleep = _sleep  # type: ignore[method-assign]


class Gate:
    """The gate before each task: a user passes when the policy lets them start it."""

    def __init__(self, policy: PacingPolicy):
        self._policy = policy
        self._started_tasks = summary.details["started_tasks"] = {WARM_UP: 0, MEASURE: 0}

    def enter_task_set(self, taskset: TaskSet, state: VirtualUser) -> None:
        """Let the user enter a nested task set: with the first task in it, as it is no task itself."""
        if state.started_tasks:  # the `on_start` of the first one is before the load
            self._pass(taskset, state)
        state.stage = START

    def start_task(self, taskset: TaskSet, state: VirtualUser) -> None:
        """Let the user start a task, and count it."""
        self._pass(taskset, state)
        state.has_passed = False
        state.started_tasks += 1
        state.task_started_ns, state.stage = time.monotonic_ns(), TASK
        is_warm_up = state.phase_at(state.scheduled_ns or state.task_started_ns) == WARM_UP
        self._started_tasks[WARM_UP if is_warm_up else MEASURE] += 1

    def _pass(self, taskset: TaskSet, state: VirtualUser) -> None:
        if state.has_passed:
            return
        try:
            if state.started_tasks:
                self._policy.wait_for_next(taskset, state)
            else:
                self._policy.barrier.wait()
                self._policy.wait_for_first(taskset, state)
        except StopUser:
            state.is_finished = True
            raise
        state.has_passed = True


def _behind_gate(policy: PacingPolicy, execute_next_task: Callable[[TaskSet], None]) -> Callable[[TaskSet], None]:
    """Locust's execution of a task, behind the gate."""
    gate = Gate(policy)

    @wraps(execute_next_task)
    def execute(self: TaskSet) -> None:
        state, task = virtual_user_of(self.user), self._task_queue[0]
        try:
            if isinstance(task, type) and issubclass(task, TaskSet):
                gate.enter_task_set(self, state)
            else:
                gate.start_task(self, state)
            sequences.note_step(self, state)
            execute_next_task(self)
            state.stage = BETWEEN_TASKS
        except BaseException as error:
            state.stage = STOP if isinstance(error, LEAVING) else BETWEEN_TASKS
            raise

    return execute


def _between_tasks(policy: PacingPolicy, wait: Callable[[TaskSet], None]) -> Callable[[TaskSet], None]:
    """Locust's wait; after a task only where the scenario has think time."""

    @wraps(wait)
    def wait_or_not(self: TaskSet) -> None:
        state = virtual_user_of(self.user)
        if state.stage == BETWEEN_TASKS and not policy.waits_between_tasks:
            return
        try:
            wait(self)
        except BaseException:
            state.stage = STOP
            raise

    return wait_or_not


def _sleep(taskset: TaskSet, seconds: float) -> None:
    """Sleep as Locust does; what the user sends next is due at the end of it."""
    due_ns = time.monotonic_ns() + round(seconds * 1e9)
    gevent.sleep(seconds)
    virtual_user_of(taskset.user).mark_ready(due_ns)


def _follow(policy: PacingPolicy, runner: Any) -> None:
    """Note the requests in flight at both ends of the measured time, and end the load."""
    policy.barrier.wait_for_release()
    policy.release()
    if policy.scenario.get("faults") and PROCESS == 0:  # whose timetable counts from here
        (Path(GIVEN_DIRECTORY) / RELEASED).write_text(str(policy.barrier.released_ns))
    sleep_until(policy.measured_start_ns)
    timestamps.in_flight.mark()
    sleep_until(policy.end_ns)
    timestamps.in_flight.mark()
    if policy.has_end:
        load_end.stop_users(policy, runner)
