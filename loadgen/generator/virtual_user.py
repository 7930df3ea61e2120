"""The users as the rows know them: each Locust user of this process has a number and a position in its scenario."""

import itertools
import math
import random
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

import gevent
from locust import User

from workbench.request_schema import DRAIN, MEASURE, START, STOP, WARM_UP, request_name

from .config import PROCESS, PROCESSES

TASK, BETWEEN_TASKS = "task", "between tasks"  # stages of a user beside START and STOP
MIN_PAUSE_NS = 5_000_000  # of a task before its first request
TREE_KEY = "tracetrack_user"  # of the user, in what gevent lets all greenlets share that descend from one


class VirtualUser:
    """The state of one user: the identity of their requests, and when the next one is due.

    `stage` is what the user does: START (`on_start` of user or task set), TASK, BETWEEN_TASKS or STOP (`on_stop`).
    Requests from `measured_from_ns` to `measured_until_ns` (monotonic ns) are of the measured phase. Where no scenario
    paces the users, all are. `scheduled_ns` is the intended send of the next request, None where it is due when it is
    sent; `user_wait_ns` the time that its arrival waited for a free user. In open load all requests of a task are of
    the phase in which its arrival was due, at `arrival_ns`: none is left out because it was late. `task_started_ns` is
    of the newest task, `under_way` the number of HTTP requests that are being sent or answered. `tasks_done` and
    `pauses`, random numbers for think times, belong to the pacing policies.
    """

    numbers: Iterator[int] = itertools.count(PROCESS, PROCESSES)
    spawned = 0
    ends: ClassVar[list[str]] = []  # how users ended before their scenario was over
    stage = TASK
    is_paced = False
    is_released = True
    measured_from_ns, measured_until_ns = -math.inf, math.inf
    greenlet: gevent.Greenlet | None = None
    scheduled_ns: int | None = None
    user_wait_ns: int | None = None
    arrival_ns: int | None = None
    is_finished = False  # the scenario is over for this user
    is_cut_off = False  # stopped although it waits for an answer, because the load is over for long
    has_passed = False  # the gate, for a task that has not begun
    started_tasks = tasks_done = sequence = under_way = task_started_ns = 0
    pauses: random.Random
    _ready_ns = _ready_iteration = 0

    def __init__(self, number: int):
        self.number = number

    @classmethod
    def counts(cls) -> dict[str, int]:
        """The users `present` at the release; of all those that `left_early` by an error or `stopped` themselves."""
        ends = Counter(cls.ends)
        present = cls.spawned - ends["no start"]
        return {"present": present, "left_early": ends["left_early"], "stopped": ends["stopped"]}

    @classmethod
    def pace(cls) -> None:
        """Let a scenario decide when the users do their tasks: until the release they are in their start.

        Without it each request is due when it is sent, and is of the measured phase.
        """
        cls.is_paced, cls.is_released, cls.stage = True, False, START

    @classmethod
    def release(cls, measured_from_ns: float, measured_until_ns: float) -> None:
        """Begin the load: from now on the time decides the phase of a request."""
        cls.is_released, cls.measured_from_ns, cls.measured_until_ns = True, measured_from_ns, measured_until_ns

    def note_end(self, greenlet: gevent.Greenlet) -> None:
        """Count the end of the user's greenlet, unless the scenario was over for them."""
        if greenlet.successful() and not self.is_finished:  # `StopUser`, or a kill by the locustfile
            self.ends.append("stopped")
        elif not greenlet.successful():
            self.ends.append("left_early" if self.started_tasks else "no start")

    def next_request_name(self) -> str:
        """The name that the next request will have."""
        return request_name(self.number, self.sequence + 1)

    def mark_ready(self, due_ns: int, user_wait_ns: int | None = None) -> None:
        """Note that the user goes on now, with a request that is due at `due_ns`."""
        self.scheduled_ns, self.user_wait_ns = due_ns, user_wait_ns
        self._ready_ns, self._ready_iteration = time.monotonic_ns(), _iteration()

    def take_schedule(self, began_ns: int) -> tuple[int | None, int | None]:
        """The intended send of the request that began at `began_ns`, and the wait for a user; the next one has none.

        A task that sleeps before its first request sends it that much later on purpose: it gave up the processor, and
        for longer than a generator may be late. Other delays are the generator's.
        """
        due_ns, self.scheduled_ns = self.scheduled_ns, None
        wait_ns, self.user_wait_ns = self.user_wait_ns, None
        pause_ns = began_ns - self._ready_ns
        if due_ns is not None and pause_ns > MIN_PAUSE_NS and self._ready_iteration != _iteration():
            due_ns += pause_ns
        return due_ns, wait_ns

    def phase_at(self, at_ns: int, *, in_background: bool = False) -> str:
        """The phase of a request that is due, or sent, at `at_ns`.

        `in_background` is one that a greenlet of the user's own sends while the user does something else.
        """
        if self.stage in (START, STOP) and not (in_background and self.is_released):
            return self.stage
        if at_ns >= self.measured_until_ns:
            return DRAIN
        return MEASURE if at_ns >= self.measured_from_ns else WARM_UP


def install() -> None:
    """Let each greenlet know the user that it belongs to, also those that a locustfile spawns itself."""
    start = User.start

    def start_known(self: User, group: Any) -> gevent.Greenlet:
        state = virtual_user_of(self)
        state.greenlet = greenlet = start(self, group)
        # Of its own: gevent hands this dictionary on to all greenlets that this one spawns, and they to theirs.
        greenlet.spawn_tree_locals = {TREE_KEY: state}
        greenlet.link(state.note_end)
        VirtualUser.spawned += 1
        return greenlet

    User.start = start_known  # type: ignore[method-assign]  # Locust has no hook for it


def virtual_user_of(user: Any) -> VirtualUser:
    """The state of a Locust user, or of a session that has none; created at the first call."""
    try:
        return user._tracetrack_state
    except AttributeError:
        user._tracetrack_state = VirtualUser(next(VirtualUser.numbers))
        return user._tracetrack_state


def current_user() -> VirtualUser | None:
    """The user whose greenlet, or whose greenlet's descendant, is running; None outside of those."""
    tree = getattr(gevent.getcurrent(), "spawn_tree_locals", None)
    return tree.get(TREE_KEY) if tree else None


def _iteration() -> int:
    """The number of times that gevent's loop went around in this thread: it does whenever all greenlets wait."""
    return gevent.get_hub().loop.iteration
