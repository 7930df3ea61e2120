"""The user classes of a locustfile: what a scenario cannot keep of them, and what it decides in their place."""

from collections.abc import Mapping
from typing import Any

from locust import FastHttpUser, HttpUser, User
from locust.env import Environment
from locust.user.task import TaskSet, is_markov_taskset
from locust.user.users import PytestUser

from workbench.redaction import redacted

from . import shape_load

SCHEMES = ("http", "https", "ws", "wss")


def refusal(environment: Environment, scenario: Mapping[str, Any]) -> str:
    """The reason why a scenario cannot run these users; empty where it can."""
    if scenario["kind"] == shape_load.KIND:
        if not environment.shape_class:
            return f"the scenario {scenario['name']} is the load shape of the locustfile, which has no LoadTestShape"
    elif environment.shape_class:
        return (
            f"the locustfile has a load shape, {type(environment.shape_class).__name__}, and the scenario decides how "
            "many users there are; take the shape out, use the scenario shape, or record a Locust of your own: from "
            "loadgen.generator import recording"
        )
    for user_class in environment.user_classes:
        if issubclass(user_class, PytestUser) or user_class.run is not User.run:
            return f"{user_class.__name__} does not run tasks of Locust, and no scenario can pace it"
        if problem := _problem_of_host(user_class, environment.host or ""):
            return problem
    environment._filter_tasks_by_tags()
    if not any(_has_task(user_class) for user_class in environment.user_classes):
        return "no user class has a task" + (" with these tags" if _has_tags(environment) else "")
    return ""


def _problem_of_host(user_class: type[User], host: str) -> str:
    """Why users of HTTP cannot use a host; empty for others, whose addresses have a form of their own."""
    scheme, separator, rest = host.partition("://")
    if not host or (separator and scheme in SCHEMES) or not issubclass(user_class, HttpUser | FastHttpUser):
        return ""
    shown = redacted(f"http://{rest if separator else host}")
    return f"{user_class.__name__} speaks HTTP, and the target's address does not begin with it; did you mean {shown}?"


def remove_without_tasks(environment: Environment) -> list[str]:
    """Take out the user classes without a task, which Locust would start again and again; a line for each of them."""
    removed = [user_class.__name__ for user_class in environment.user_classes if not _has_task(user_class)]
    environment.user_classes[:] = filter(_has_task, environment.user_classes)
    return [f"{name} has no task, and none of its users was started" for name in removed]


def ignored_waits(environment: Environment, scenario: Mapping[str, Any]) -> list[str]:
    """A line for each user class whose `wait_time` the scenario replaces."""
    if scenario["kind"] in ("sustained", shape_load.KIND):
        return []
    return [
        f"{user_class.__name__}.wait_time has no effect between tasks: {scenario['name']} decides when they start"
        for user_class in environment.user_classes
        if user_class.wait_time is not User.wait_time
    ]


def _has_task(holder: type, holders: frozenset[type] = frozenset()) -> bool:
    """Whether a user class, or a task set, has something to do in the end; `holders` are those around it."""
    if is_markov_taskset(holder):
        return True  # Locust has checked its tasks
    inner = holders | {holder}
    return any(
        not (isinstance(task, type) and issubclass(task, TaskSet)) or (task not in inner and _has_task(task, inner))
        for task in holder.tasks  # type: ignore[attr-defined]  # both kinds of holders have them
    )


def _has_tags(environment: Environment) -> bool:
    options = environment.parsed_options
    return bool(options and (options.tags or options.exclude_tags))
