"""The users as the rows know them: each Locust user of this process has a number and a position in its scenario."""

import itertools
import random
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from workbench.request_schema import request_name

from .config import PROCESS, PROCESSES


class VirtualUser:
    """The state of one user: the identity of their requests, and when the next one is due.

    `measured` and `scheduled_ns` (monotonic ns) are of the next request; one without a `scheduled_ns` is due when it is
    sent. `task_due` says that a task is due that has not started yet. `tasks_done` and `pauses`, random numbers for the
    think times, belong to the pacing policies.
    """

    __slots__ = ("measured", "number", "pauses", "scheduled_ns", "sequence", "task_due", "tasks_done")
    numbers: Iterator[int] = itertools.count(PROCESS, PROCESSES)
    measured_at_first = True

    pauses: random.Random

    def __init__(self, number: int):
        self.number = number
        self.sequence = 0
        self.task_due = False
        self.scheduled_ns: int | None = None
        self.measured = self.measured_at_first
        self.tasks_done = 0

    def next_request_name(self) -> str:
        """The name that the next request will have."""
        return request_name(self.number, self.sequence + 1)


# The user whose task is running, where a scenario paces the users.
current: ContextVar[VirtualUser | None] = ContextVar("virtual_user", default=None)


def virtual_user_of(user: Any) -> VirtualUser:
    """The state of a Locust user, or of a session that has none; created at the first call."""
    try:
        return user._tracetrack_state
    except AttributeError:
        user._tracetrack_state = VirtualUser(next(VirtualUser.numbers))
        return user._tracetrack_state
