"""What ended for its age during a soak: only a resource that was replaced often can be said not to leak by it."""

from collections.abc import Callable
from typing import NamedTuple

from workbench.endpoints import DASHBOARD, LOGIN
from workbench.recording import Run

from .growth import measured_s

MIN_EVENTS = 10
# Sessions that end after a time in all, used or not.
_WITH_AN_AGE_LIMIT = ("shared", "database", "cookie")


class Lifetime(NamedTuple):
    """A kind of end: its name in ids of findings, what ended, and how often it did; None where that is not known.

    `applies` says whether a run must have such ends.
    """

    name: str
    label: str
    number: Callable[[Run], int | None]
    applies: Callable[[Run], bool] = lambda run: True


def _connections_recycled(run: Run) -> int | None:
    if run.pool.empty:
        return None
    counts = run.pool.groupby("worker")["recycles"]
    return int((counts.last() - counts.first()).clip(lower=0).sum())


def _answers_renewed(run: Run) -> int | None:
    """The dashboards of the measured phase that found their answer too old, and computed it anew.

    The dashboard has one answer, which a worker lacks once without any lifetime: its first miss is no renewal. A search
    has many, and whether one was there before is not known.
    """
    if not _counted(run, f"endpoint = '{DASHBOARD.name}' AND cache IN ('hit', 'stale', 'miss')"):
        return None
    misses = _counted(run, f"endpoint = '{DASHBOARD.name}' AND cache = 'miss'")
    return max(0, misses - int(run.record["deployment"]["settings"]["workers"]))


def _sessions_removed(run: Run) -> int | None:
    """The sessions removed in the measured phase: logins minus the growth in the number of sessions."""
    first_s, last_s = measured_s(run) or (0.0, 0.0)
    sessions = run.resources[["at_us", "sessions"]].dropna()
    within = sessions[sessions["at_us"].between(1e6 * first_s, 1e6 * last_s)]["sessions"]
    if within.empty:
        return None
    logins = _counted(run, f"ok AND endpoint = '{LOGIN.name}'")
    return max(0, logins - int(within.iloc[-1] - within.iloc[0]))


def _users_signed_out(run: Run) -> int:
    return _counted(run, "ok AND status = 401")


def _counted(run: Run, condition: str) -> int:
    return int(run.rows.query(f"SELECT count(*) AS number FROM measured WHERE {condition}")["number"].iloc[0])


LIFETIMES = (
    Lifetime("connections", "connections replaced for their age", _connections_recycled),
    Lifetime("sessions", "sessions removed after their end", _sessions_removed),
    Lifetime(
        "sign-outs",
        "users who were asked to log in again",
        _users_signed_out,
        lambda run: run.record["deployment"]["settings"].get("sessions") in _WITH_AN_AGE_LIMIT,
    ),
    Lifetime("cached-answers", "cached answers computed anew for their age", _answers_renewed),
)


def unseen(run: Run) -> str:
    """What ended less than `MIN_EVENTS` times, in words; empty where all was seen to end often."""
    counts = {kind.label: kind.number(run) for kind in LIFETIMES if kind.applies(run)}
    few = {label: number for label, number in counts.items() if number is None or number < MIN_EVENTS}
    return "; ".join(f"{label}: {'not counted' if number is None else number}" for label, number in few.items())
