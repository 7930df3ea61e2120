"""How far the users come in sequential task sets: a short load may reach no more than their first steps."""

from collections import defaultdict

from locust import SequentialTaskSet
from locust.user.task import TaskSet

from . import summary
from .virtual_user import VirtualUser

_farthest: defaultdict[tuple[VirtualUser, str], int] = defaultdict(int)


def note_step(taskset: TaskSet, user: VirtualUser) -> None:
    """Count the step that a sequential task set begins now; other task sets have none.

    `summary.details["sequences"]` has for each class its number of `steps`, and how many users `reached` each.
    """
    if not isinstance(taskset, SequentialTaskSet):
        return
    name, steps = type(taskset).__name__, len(taskset.tasks)
    sequence = summary.details.setdefault("sequences", {}).setdefault(name, {"steps": steps, "reached": [0] * steps})
    step = taskset._tracetrack_step = getattr(taskset, "_tracetrack_step", 0) + 1  # type: ignore[attr-defined]
    if _farthest[user, name] < step <= len(sequence["reached"]):
        _farthest[user, name] = step
        sequence["reached"][step - 1] += 1
