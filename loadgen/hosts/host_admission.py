"""Which workers may join a run, and why others may not."""

import time
from collections.abc import Mapping
from typing import Any

from workbench.text_cleaning import Target, cleaned

from .. import load_versions

MAX_WALL_DIFFERENCE_S = 30.0
SHOWN_DIGEST = 12  # characters of a digest in a message


class Admission:
    """The conditions of a run that waits for `wanted` hosts with this `locustfile` (its digest; None without one)."""

    def __init__(self, wanted: int, locustfile: str | None):
        self._wanted = wanted
        self._locustfile = locustfile
        self._versions = load_versions.versions()

    def refusal(self, fields: Mapping[str, Any], joined: int, *, is_under_way: bool) -> str:
        """Why a worker cannot join, by what it says of itself; empty if it can. `joined` have before it."""
        if different := load_versions.difference(self._versions, fields.get("versions")):
            return f"its {different} differs; bring both to the same commit, and make setup on both"
        if is_under_way:
            return "the run has begun; start workers before it, and wait for the next run"
        if joined >= self._wanted:
            return f"the run has the hosts that it waits for, {self._wanted}; for more of them: --hosts {joined + 1}"
        return self._locustfile_refusal(fields.get("locustfile")) or _clock_refusal(wall_difference_s(fields))

    def _locustfile_refusal(self, there: object) -> str:
        """Why the locustfiles do not fit; empty if they do."""
        here = self._locustfile
        if there == here:
            return ""
        if here is None:
            return "it has a locustfile and the run has none; start it without --locustfile"
        if there is None:
            return "it has no locustfile and the run has one; start it with --locustfile and a copy of the run's"
        digest = cleaned(str(there), Target.LINE)[:SHOWN_DIGEST]
        return f"its locustfile differs (digest {digest} there, {here} here); copy the run's to it"


def wall_difference_s(fields: Mapping[str, Any]) -> float:
    """How far (s) a worker's wall clock is ahead of this host's, the way of its message included."""
    wall_s = fields.get("wall_s")
    return float(wall_s) - time.time() if isinstance(wall_s, int | float) else 0.0


def _clock_refusal(difference_s: float) -> str:
    """Why the wall clocks do not fit; empty if they do."""
    if abs(difference_s) <= MAX_WALL_DIFFERENCE_S:
        return ""
    direction = "ahead of" if difference_s > 0 else "behind"
    return (
        f"its wall clock is {abs(difference_s):,.0f} s {direction} that of the run's host, so that cookies and "
        "certificates would expire at another time; set it, as with chronyc makestep"
    )
