"""The end of a load: its users are stopped as Locust stops them, and what is in flight is not cut off."""

import time
from collections.abc import Iterator
from typing import Any

import gevent
from locust import User

from workbench.request_schema import STOP

from . import timestamps
from .pacing_policies import PacingPolicy
from .virtual_user import virtual_user_of

CHECK_INTERVAL_S = 0.05
MAX_PAUSE_NS = 10 * 10**9  # of a task that is not over, without a request in flight
MAX_STOP_NS = 30 * 10**9  # of `on_stop`
MAX_ANSWER_NS = 60 * 10**9  # of a request in flight, where its client waits without a limit


def stop_users(policy: PacingPolicy, runner: Any) -> None:
    """End the load and return when no user is left.

    In closed load pauses end at once, and with them their task. In open load a task that was due is done, its pauses
    included, if they are no longer than `MAX_PAUSE_NS`. So are requests of clients that show only their end. A request
    that has no answer `MAX_ANSWER_NS` after the end of the load is a failure.
    """
    policy.end()
    for user in _users(runner):
        virtual_user_of(user).is_finished = True
        if policy.stops_pauses:
            gevent.spawn(user.stop)
    killed_ns: dict[User, int] = {}
    while runner.user_count:
        for user in list(_users(runner)):
            now_ns = time.monotonic_ns()
            if _is_over(policy, user, killed_ns.get(user), now_ns):
                killed_ns[user] = now_ns
                virtual_user_of(user).is_cut_off = True
                runner.user_greenlets.killone(user._greenlet, block=False)
        gevent.sleep(CHECK_INTERVAL_S)


def _users(runner: Any) -> Iterator[User]:
    """The users that are there; a greenlet that has just ended has lost its arguments."""
    return (greenlet.args[0] for greenlet in runner.user_greenlets if greenlet.args)


def _is_over(policy: PacingPolicy, user: User, killed_ns: int | None, now_ns: int) -> bool:
    """Whether a user is to be stopped now: in a pause of a task, or in an `on_stop` without an end."""
    state = virtual_user_of(user)
    if state.stage == STOP:
        return now_ns - max(policy.end_ns, state.task_started_ns, killed_ns or 0) > MAX_PAUSE_NS + MAX_STOP_NS
    is_pause = policy.stops_pauses and timestamps.in_flight.is_complete
    limit_ns = 0 if is_pause else MAX_PAUSE_NS
    if state.under_way:
        return killed_ns is None and policy.has_end and now_ns - policy.end_ns > MAX_ANSWER_NS
    return killed_ns is None and now_ns - max(policy.end_ns, state.task_started_ns) > limit_ns
