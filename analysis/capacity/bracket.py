"""How much load a deployment holds: what the tried loads showed, and the bracket that they leave.

A probe is a load that was tried once, and whether the deployment met the objective under it: no request failed or
stayed unsent, and p95 of every endpoint below a bound, from when a request was due. A load is certified if it was met
in each of so many blocks, and refuted if in none; with five, one that is met half of the time would be certified once
in 32 and refuted once in 32. Nothing is said of a load that was not tried: the answer is the largest certified load
below the smallest refuted one, and that one.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from workbench.recording import Experiment, Run

HIGHEST_P95_MS = 300.0
UNITS = {"open": "requests/s", "sustained": "users"}  # of a load, by family
JUDGED = ("response_us", "endpoint")
TRIES = 2  # of a load, before it counts as one that the generator cannot make


@dataclass(frozen=True)
class Probe:
    """A load (requests a second, or users) that was tried; `met` is None where the run cannot be believed.

    `said` is what the verdict rests on: the slowest endpoint, or what went wrong; `slowest_ms` is its p95, `run` the
    name of the run.
    """

    load: float
    met: bool | None
    said: str = ""
    slowest_ms: float | None = None
    run: str = ""

    @classmethod
    def of(cls, run: Run, p95_ms: float = HIGHEST_P95_MS) -> "Probe":
        """Judge a complete run by the objective that p95 of every endpoint is below so much."""
        load, totals = load_of(run), run.totals
        wrong = [*run.record["reasons"], *(str(one) for one in run.defects if one.whole or one.column in JUDGED)]
        if not run.record["valid"] or totals is None or wrong:
            return cls(load, None, "; ".join(wrong) or "no request was measured")
        told = run.record.get("generator") or {}
        unsent = (told.get("dropped") or {}).get("measure", 0)
        if failed := int(totals["requests"] - totals["successful"]):
            return cls(load, False, f"{failed} of {totals['requests']} requests failed")
        if raised := sum((told.get("task_errors") or {}).values()):
            return cls(load, False, f"{raised} tasks ended with an error")
        if unsent:
            return cls(load, False, f"{unsent} requests could not be sent")
        measured_ms = run.by_endpoint.set_index("endpoint")["response_p95_ms"]
        slowest = measured_ms.idxmax()
        slowest_ms = float(measured_ms[slowest])
        return cls(load, slowest_ms < p95_ms, f"{slowest} p95 {slowest_ms:,.0f} ms", slowest_ms)


@dataclass(frozen=True)
class Tried:
    """What the probes of one load showed: in how many of the `judged` ones it was `met`; others are not believed."""

    load: float
    met: int
    judged: int
    unbelieved: int

    @property
    def is_believed(self) -> bool:
        return self.judged >= max(1, self.unbelieved)

    @property
    def is_open(self) -> bool:
        """Whether nothing is known of it yet: what cannot be believed once may be the next time."""
        return not self.judged and self.unbelieved < TRIES

    @property
    def is_mixed(self) -> bool:
        return 0 < self.met < self.judged


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
    blocks: int = 1  # in how many a load has to show the same
    p95_ms: float = HIGHEST_P95_MS  # below it is the objective

    @property
    def bracket(self) -> Bracket:
        return bracket(self.probes, self.blocks)

    def at(self, load: float | None) -> list[Probe]:
        """The probes of this load."""
        return [probe for probe in self.probes if probe.load == load]

    def has(self, run: Run) -> bool:
        """Whether the run is one under such a load."""
        return run.deployment == self.deployment and run.scenario.startswith(f"{self.family}-")


def found(experiment: Experiment) -> list[Found]:
    """What an experiment's search for capacity found, in its order; nothing where it had none."""
    return [_found(experiment, search) for search in experiment.record.get("searches") or []]


def _found(experiment, search):
    blocks, p95_ms = search.get("blocks", 1), search.get("p95_ms", HIGHEST_P95_MS)
    probes = tuple(replace(Probe.of(run, p95_ms), run=run.name) for run in _probed(experiment, search))
    return Found(search["deployment"], search["family"], probes, blocks, p95_ms)


def _probed(experiment, search) -> Iterator[Run]:
    names = {probe["run"] for probe in experiment.record["probes"]}
    for run in experiment.runs:
        searched = run.deployment == search["deployment"] and run.scenario.startswith(f"{search['family']}-")
        if run.name in names and searched and run.status == "complete":
            yield run


def load_of(run: Run) -> float:
    """The load of a run: requests a second where it was open, users where it was closed."""
    scenario = run.record["scenario"]
    return scenario["pieces"][-1][2] if scenario["kind"] == "open" else scenario["users"]


def by_load(probes: Sequence[Probe]) -> list[Tried]:
    """The loads that were tried, the smallest first."""
    verdicts = defaultdict(list)
    for probe in probes:
        verdicts[probe.load].append(probe.met)
    return [
        Tried(load, met.count(True), len(met) - met.count(None), met.count(None))
        for load, met in sorted(verdicts.items())
    ]


def bracket(probes: Sequence[Probe], blocks: int = 1) -> Bracket:
    """The bracket that the probes leave, where a verdict on a load takes so many of it that agree.

    Where a larger load met what a smaller one did not, or mostly not, the smaller one counts.
    """
    tried = by_load(probes)
    enough = [one for one in tried if one.judged >= blocks]
    refuted = min((one.load for one in enough if not one.met), default=None)
    ceiling = min((one.load for one in tried if 2 * one.met < one.judged), default=math.inf)
    below = [one.load for one in enough if one.met == one.judged and one.load < ceiling]
    return Bracket(max(below, default=None), refuted)
