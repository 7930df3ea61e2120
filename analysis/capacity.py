"""How much load a deployment holds: which load to try next, and the bracket that the tried ones leave.

A probe is a load that was tried, and whether it met the objective. Nothing is said of a load that was not tried: the
answer is the largest load that met it below the smallest that did not, and that one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

FINE_ENOUGH = 1.15  # a bracket whose ends are nearer than this is not made smaller
STEP = 2.0


@dataclass(frozen=True)
class Probe:
    """A load (requests a second, or users) that was tried."""

    load: float
    met: bool


@dataclass(frozen=True)
class Bracket:
    """`certified` met the objective, `refuted` did not; None where no load of that kind was tried."""

    certified: float | None
    refuted: float | None

    @property
    def is_fine(self) -> bool:
        return bool(self.certified and self.refuted and self.refuted / self.certified <= FINE_ENOUGH)


def bracket(probes: Sequence[Probe]) -> Bracket:
    """The bracket that the probes leave. Where a larger load met what a smaller one did not, the smaller one counts."""
    refuted = min((probe.load for probe in probes if not probe.met), default=None)
    below = [probe.load for probe in probes if probe.met and (refuted is None or probe.load < refuted)]
    return Bracket(max(below, default=None), refuted)


def next_load(probes: Sequence[Probe], first: float, lowest: float, highest: float) -> float | None:
    """The load to try next, a whole number; None when the bracket is fine enough or nothing is left to try.

    Doubled until one fails and halved until one holds, then the middle of the bracket by ratio.
    """
    if not probes:
        return _within(first, lowest, highest)
    found = bracket(probes)
    if found.is_fine:
        return None
    if found.refuted is None:
        wanted = STEP * found.certified
    elif found.certified is None:
        wanted = found.refuted / STEP
    else:
        wanted = (found.certified * found.refuted) ** 0.5
    load = _within(wanted, lowest, highest)
    return None if any(probe.load == load for probe in probes) else load


def _within(load, lowest, highest):
    return float(round(min(max(load, lowest), highest)))
