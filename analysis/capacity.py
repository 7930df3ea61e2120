"""How much load a deployment holds: which load to try next, and the bracket that the tried ones leave.

A probe is a load that was tried, and whether the deployment met the objective under it: no request failed or stayed
unsent, and p95 of every endpoint below a bound, from when a request was due. Nothing is said of a load that was not
tried: the answer is the largest load that met it below the smallest that did not, and that one.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .recording import Experiment, Run

HIGHEST_P95_MS = 300.0
FINE_ENOUGH = 1.15  # a bracket whose ends are nearer than this is not made smaller
STEP = 2.0
GUESS = 7  # loads that a search tries


@dataclass(frozen=True)
class Probe:
    """A load (requests a second, or users) that was tried; `met` is None where the run cannot be believed.

    `said` is what the verdict rests on: the slowest endpoint, or what went wrong.
    """

    load: float
    met: bool | None
    said: str = ""

    @classmethod
    def of(cls, run: Run) -> "Probe":
        """Judge a complete run."""
        load, totals = load_of(run), run.totals
        if not run.record["valid"] or totals is None:
            return cls(load, None, "; ".join(run.record["reasons"]) or "no request was measured")
        unsent = (run.record["generator"].get("unsent") or {}).get("measure", 0)
        if failed := int(totals["requests"] - totals["right"]):
            return cls(load, False, f"{failed} of {totals['requests']} requests failed")
        if raised := sum((run.record["generator"].get("raised") or {}).values()):
            return cls(load, False, f"{raised} tasks ended with an error")
        if unsent:
            return cls(load, False, f"{unsent} requests could not be sent")
        p95_ms = run.by_endpoint.set_index("endpoint")["response_p95_ms"]
        slowest = p95_ms.idxmax()
        return cls(load, bool(p95_ms[slowest] < HIGHEST_P95_MS), f"{slowest} p95 {p95_ms[slowest]:,.0f} ms")


@dataclass(frozen=True)
class Bracket:
    """`certified` met the objective, `refuted` did not; None where no load of that kind was tried."""

    certified: float | None
    refuted: float | None


@dataclass(frozen=True)
class Found:
    """What the probes of one deployment under one family of scenarios (open, sustained) showed."""

    deployment: str
    family: str
    probes: tuple[Probe, ...]

    @property
    def bracket(self) -> Bracket:
        return bracket(self.probes)

    def at(self, load: float | None) -> Probe | None:
        """The probe of this load."""
        return next((probe for probe in self.probes if probe.load == load), None)


def found(experiment: Experiment) -> list[Found]:
    """What an experiment's search for capacity found, in its order; nothing where it had none."""
    return [
        Found(search["deployment"], search["family"], tuple(_probes(experiment, search)))
        for search in experiment.record.get("searches", [])
    ]


def _probes(experiment, search) -> Iterator[Probe]:
    names = {probe["run"] for probe in experiment.record["probes"]}
    for run in experiment.runs:
        searched = run.deployment == search["deployment"] and run.scenario.startswith(f"{search['family']}-")
        if run.name in names and searched and run.status == "complete":
            yield Probe.of(run)


def load_of(run: Run) -> float:
    """The load of a run: requests a second where it was open, users where it was closed."""
    scenario = run.record["scenario"]
    return scenario["pieces"][-1][2] if scenario["kind"] == "open" else scenario["users"]


def bracket(probes: Sequence[Probe]) -> Bracket:
    """The bracket that the probes leave. Where a larger load met what a smaller one did not, the smaller one counts."""
    refuted = min((probe.load for probe in probes if probe.met is False), default=None)
    below = [probe.load for probe in probes if probe.met and (refuted is None or probe.load < refuted)]
    return Bracket(max(below, default=None), refuted)


def next_load(probes: Sequence[Probe], first: float, lowest: float, highest: float) -> float | None:
    """The load to try next, a whole number; None when the bracket is fine enough or nothing is left to try.

    Doubled until one fails and halved until one holds, then the middle of the bracket by ratio. A load whose run cannot
    be believed, as the generator could not make it, is a ceiling too, but refutes nothing.
    """
    if not probes:
        return _within(first, lowest, highest)
    holds = bracket(probes).certified
    ceiling = min((probe.load for probe in probes if not probe.met), default=None)
    if holds and ceiling and ceiling / holds <= FINE_ENOUGH:
        return None
    if ceiling is None:
        wanted = STEP * holds
    elif holds is None:
        wanted = ceiling / STEP
    else:
        wanted = (holds * ceiling) ** 0.5
    load = _within(wanted, lowest, highest)
    return None if any(probe.load == load for probe in probes) else load


def still_to_try(probes: Sequence[Probe]) -> int:
    """About how many loads a search has yet to try; a guess until it knows one that held and a ceiling."""
    holds = bracket(probes).certified
    ceiling = min((probe.load for probe in probes if not probe.met), default=None)
    if not (holds and ceiling):
        return max(GUESS - len(probes), 1)
    # The middle by ratio halves the bracket's logarithm.
    return max(0, math.ceil(math.log2(math.log(ceiling / holds) / math.log(FINE_ENOUGH))))


def _within(load, lowest, highest):
    return float(round(min(max(load, lowest), highest)))
