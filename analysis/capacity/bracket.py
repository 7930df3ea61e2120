"""Capacity of a deployment as a bracket: the largest load that it sustained, and the smallest that it did not.

A probe is one run under one load of a capacity search. The load is sustained in it if no request failed or was dropped
and the p95 response time of every endpoint is below a bound. Over k blocks the bracket is

    lower bound     the largest load, below the upper bound, that was sustained in each of k blocks
    upper bound     the smallest load that was sustained in none of k blocks

With k = 5 a load that is sustained in half of its runs is taken for a lower bound once in 2⁵ = 32, and for an upper
bound once in 32. Nothing is said of loads that were not tried. The probes of a block around which the machine changed,
by its sentinel, do not count.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from workbench.recording import Experiment, Run

from .sentinel import ended_s, sentinels_of, void_blocks

MAX_P95_MS = 300.0  # the bound where a search has none of its own
UNITS = {"open": "requests/s", "sustained": "users"}  # of a load, by family of scenarios
EVALUATED_COLUMNS = ("response_us", "endpoint")
VOID = "the machine changed, by the sentinel before or after its block"
MAX_INVALID = 2  # invalid runs of a load, after which the generator counts as unable to make it


@dataclass(frozen=True)
class Probe:
    """A load (requests a second, or users) that was tried in one run.

    sustained: None where the run is invalid
    reason: the p95 of the slowest endpoint, or what failed
    slowest_ms: that p95, where it was measured
    run: the name of the run
    block: the block that it belongs to
    ended_s: the end of the run, seconds since 1970 (UTC)
    """

    load: float
    sustained: bool | None
    reason: str = ""
    slowest_ms: float | None = None
    run: str = ""
    block: int = 0
    ended_s: float = 0.0

    @classmethod
    def from_run(cls, run: Run, p95_ms: float = MAX_P95_MS) -> "Probe":
        """The probe that a complete run is; p95 of every endpoint has to be below `p95_ms`."""
        return replace(cls._evaluated(run, p95_ms), run=run.name, block=run.block, ended_s=ended_s(run))

    @classmethod
    def _evaluated(cls, run: Run, p95_ms: float) -> "Probe":
        load, totals = load_of(run), run.totals
        defects = [str(defect) for defect in run.defects if defect.is_total or defect.column in EVALUATED_COLUMNS]
        problems = [*run.record["reasons"], *defects]
        if not run.record["valid"] or totals is None or problems:
            return cls(load, None, "; ".join(problems) or "no request was measured")
        if failure := _failure(run, totals):
            return cls(load, False, failure)
        slowest = run.by_endpoint.iloc[run.by_endpoint["response_p95_ms"].argmax()]
        slowest_ms = float(slowest["response_p95_ms"])
        return cls(load, slowest_ms < p95_ms, f"{slowest['endpoint']} p95 {slowest_ms:,.0f} ms", slowest_ms)


def _failure(run: Run, totals: pd.Series) -> str:
    """Why a load is not sustained whatever its latency; empty where nothing failed."""
    generator = run.record.get("generator") or {}
    if failed := int(totals["requests"] - totals["successful"]):
        return f"{failed} of {totals['requests']} requests failed"
    if errors := sum((generator.get("task_errors") or {}).values()):
        return f"{errors} tasks ended with an error"
    if dropped := sum(run.dropped.values()):
        return f"{dropped} arrivals were dropped"
    return ""


@dataclass(frozen=True)
class TriedLoad:
    """The probes of one load, counted: those in which it was `sustained`, of the `valid` ones; and `invalid` ones."""

    load: float
    sustained: int
    valid: int
    invalid: int

    @property
    def is_measurable(self) -> bool:
        """True where the generator can make this load: at least half of its runs are valid."""
        return self.valid >= max(1, self.invalid)

    @property
    def is_unknown(self) -> bool:
        """True where it has to be tried once more: another run may be valid."""
        return not self.valid and self.invalid < MAX_INVALID

    @property
    def is_always_sustained(self) -> bool:
        return self.sustained == self.valid

    @property
    def is_mixed(self) -> bool:
        """True where it was sustained in some of the valid runs only."""
        return 0 < self.sustained < self.valid


@dataclass(frozen=True)
class Bracket:
    """`lower_bound` was sustained, `upper_bound` was not; None where no such load was tried."""

    lower_bound: float | None
    upper_bound: float | None

    @property
    def ends(self) -> tuple[float, float] | None:
        """Both bounds; None where one of them is not known."""
        if self.lower_bound is None or self.upper_bound is None:
            return None
        return self.lower_bound, self.upper_bound

    @property
    def lower_text(self) -> str:
        return _text(self.lower_bound, "none")

    @property
    def upper_text(self) -> str:
        return _text(self.upper_bound, "none")

    def __str__(self) -> str:
        """Such as 749–1,068, with ? for a bound that is not known."""
        return f"{_text(self.lower_bound, '?')}–{_text(self.upper_bound, '?')}"


def _text(load: float | None, unknown: str) -> str:
    return unknown if load is None else f"{load:,.0f}"


@dataclass(frozen=True)
class CapacityResult:
    """The probes of one deployment under one family of scenarios (open, sustained)."""

    deployment: str
    family: str
    probes: tuple[Probe, ...]
    blocks: int = 1  # in which a load has to be sustained, or not, to be a bound
    p95_ms: float = MAX_P95_MS

    @property
    def bracket(self) -> Bracket:
        return bracket(self.probes, self.blocks)

    def probes_at(self, load: float | None) -> list[Probe]:
        return [probe for probe in self.probes if probe.load == load]

    def covers(self, run: Run) -> bool:
        """True for a run of this deployment under a load of this family."""
        return run.deployment == self.deployment and run.scenario.startswith(f"{self.family}-")

    def usable_runs(self, experiment: Experiment) -> list[Run]:
        """The runs of its probes that count."""
        names = {probe.run for probe in self.probes if probe.sustained is not None}
        return [run for run in experiment.usable if run.name in names]


def capacity_results(experiment: Experiment) -> list[CapacityResult]:
    """A result for each capacity search of an experiment, in their order."""
    return [_result(experiment, search) for search in experiment.record.get("searches") or []]


def _result(experiment: Experiment, search: dict) -> CapacityResult:
    blocks, p95_ms = search.get("blocks", 1), search.get("p95_ms", MAX_P95_MS)
    result = CapacityResult(search["deployment"], search["family"], (), blocks, p95_ms)
    void = void_blocks(sentinels_of(experiment))
    probes = (Probe.from_run(run, p95_ms) for run in _probe_runs(experiment, result))
    counted = (replace(probe, sustained=None, reason=VOID) if probe.block in void else probe for probe in probes)
    return replace(result, probes=tuple(counted))


def _probe_runs(experiment: Experiment, result: CapacityResult) -> Iterator[Run]:
    names = {probe["run"] for probe in experiment.record["probes"]}
    for run in experiment.runs:
        if run.name in names and result.covers(run) and run.is_final:
            yield run


def load_of(run: Run) -> float:
    """The load of a run: requests a second where it is open, users where it is closed."""
    scenario = run.record["scenario"]
    return scenario["pieces"][-1][2] if scenario["kind"] == "open" else scenario["users"]


def by_load(probes: Sequence[Probe]) -> list[TriedLoad]:
    """The loads that were tried, the smallest first."""
    verdicts = defaultdict(list)
    for probe in probes:
        verdicts[probe.load].append(probe.sustained)
    return [
        TriedLoad(load, values.count(True), len(values) - values.count(None), values.count(None))
        for load, values in sorted(verdicts.items())
    ]


def bracket(probes: Sequence[Probe], blocks: int = 1) -> Bracket:
    """The bracket of these probes, where a bound takes `blocks` valid probes that agree.

    Where a larger load was sustained and a smaller one was not, or in fewer than half of its runs, the smaller counts.
    """
    tried = by_load(probes)
    decided = [load for load in tried if load.valid >= blocks]
    upper_bound = min((load.load for load in decided if not load.sustained), default=None)
    ceiling = min((load.load for load in tried if 2 * load.sustained < load.valid), default=math.inf)
    below = [load.load for load in decided if load.is_always_sustained and load.load < ceiling]
    return Bracket(max(below, default=None), upper_bound)
