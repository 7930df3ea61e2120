"""How the monotonic clock of a worker's host relates to that of the run's host.

A worker notes when it sends a probe (t1) and when the answer is back (t4), the run when the probe came (t2) and when it
answered (t3), each on its own clock, as NTP does:

    offset      = ((t1 − t2) + (t4 − t3)) / 2         the worker's clock minus the run's
    uncertainty = ((t4 − t1) − (t3 − t2)) / 2         half of the time on the way

The true offset is within offset ± uncertainty, however the way there and the way back differ. Of many rounds the one
with the least time on the way counts.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

MAX_NS = 2**62  # some 146 years


class Round(NamedTuple):
    """One probe: readings (ns) of the worker's clock (`sent`, `returned`) and the run's (`received`, `answered`)."""

    sent: int
    received: int
    answered: int
    returned: int

    @property
    def on_the_way_ns(self) -> int:
        """The time that probe and answer took together, without the time between the two."""
        return (self.returned - self.sent) - (self.answered - self.received)


class ClockRelation(NamedTuple):
    """The worker's clock minus the run's (`offset_ns`), its uncertainty, and how many rounds were measured."""

    offset_ns: int
    uncertainty_ns: int
    rounds: int


def of_fields(fields: Mapping[str, Any]) -> ClockRelation | None:
    """The relation that a worker reports; None for what can be none."""
    offset_ns, uncertainty_ns, rounds = (fields.get(name) for name in ClockRelation._fields)
    if not all(isinstance(value, int) and abs(value) < MAX_NS for value in (offset_ns, uncertainty_ns, rounds)):
        return None
    return ClockRelation(int(offset_ns or 0), max(0, uncertainty_ns or 0), max(0, rounds or 0))


def relate(rounds: Iterable[Round]) -> ClockRelation:
    """The relation that follows from rounds, of which there is at least one."""
    measured = list(rounds)
    best = min(measured, key=lambda each: each.on_the_way_ns)
    offset_ns = ((best.sent - best.received) + (best.returned - best.answered)) // 2
    return ClockRelation(offset_ns, max(0, best.on_the_way_ns + 1) // 2, len(measured))


def error_ns(begin: ClockRelation, end: ClockRelation | None) -> int | None:
    """The largest error of an instant that was related by `begin`, over the time to `end`; None if that is not known.

    What the offset has changed is drift of the two clocks, or a clock that stood still.
    """
    if end is None:
        return None
    return max(begin.uncertainty_ns, abs(end.offset_ns - begin.offset_ns) + end.uncertainty_ns)
