"""The figures that an objective can be about: each is measured on one arm of an experiment."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from workbench.recording import Experiment, Run

from ..capacity import bracket as capacity
from ..metrics import arm_estimates, arm_metrics, cpu_metrics
from ..stats.confidence import Estimate
from . import evidence
from .evidence import BASE

OVER_BUDGET = "over the connection budget"


@dataclass(frozen=True)
class Arm:
    """What an objective is about; `endpoint` and `against` (a deployment) only where its metric needs them.

    `scenario` is a family of loads (`open`, `sustained`) where it is about a capacity.
    """

    deployment: str
    scenario: str
    endpoint: str = ""
    against: str = ""

    def runs(self, experiment: Experiment) -> list[Run]:
        """Those of its scenario; of a family of loads those of the search for the capacity."""
        searched = [found for found in capacity.found(experiment) if self.is_searched(found)]
        if searched:
            names = {probe.run for found in searched for probe in found.probes}
            return [run for run in experiment.usable if run.name in names]
        return experiment.find(self.deployment, self.scenario)

    def is_searched(self, found: capacity.Found) -> bool:
        return (found.deployment, found.family) == (self.deployment, self.scenario)


@dataclass(frozen=True)
class Measured:
    """The figure, the sentence that shows it, and its interval where it has one."""

    value: float
    text: str
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Metric:
    """How a figure is measured (None: it was not), how it is written and named, and what it needs: beside its arm, and
    of the columns of the rows."""

    name: str
    unit: str
    measure: Callable[[Experiment, Arm], Measured | None]
    form: str = "{:g}"
    needs: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    def says(self, arm: Arm, bound: str) -> str:
        """The objective as a sentence."""
        of = f"{arm.endpoint}: " if arm.endpoint else ""
        against = f" than on {arm.against}" if arm.against else ""
        return f"{of}{self.name} {bound}{self.unit}{against}, {arm.scenario} on {arm.deployment}"


def _with_interval(estimate: Estimate | None, form: str, what: str) -> Measured | None:
    if estimate is None:
        return None
    text = f"{what} {form.format(estimate.value)}"
    if estimate.interval:
        low, high = (form.format(end) for end in estimate.interval)
        text += f" ({low}–{high}, {estimate.blocks} blocks)"
    return Measured(estimate.value, text, estimate.interval)


def _speedup(experiment, arm):
    estimate = evidence.speedup(experiment, arm.scenario, arm.against, arm.deployment)
    return _with_interval(estimate, "{:.1f}", "times faster from the first send to the last answer:")


def _floor_ratio(experiment, arm):
    taken_s = arm_metrics.duration_s(experiment, arm.deployment, arm.scenario)
    floor_s = cpu_metrics.floor_s(experiment, arm.deployment, arm.scenario)
    if taken_s is None or not floor_s:
        return None
    ratio = taken_s / floor_s
    text = (
        f"{taken_s:.2f} s, {ratio:.2f} times the {floor_s:.2f} s in which the cores could do its hashes and queries "
        "and nothing else"
    )
    return Measured(ratio, text)


def _success_ratio(experiment, arm):
    estimate = arm_estimates.success_ratio(experiment, arm.deployment, arm.scenario)
    if estimate is None:
        return None
    right, answers = (sum(int(run.totals[name]) for run in arm.runs(experiment)) for name in ("successful", "requests"))
    return Measured(right / answers, f"{right} of {answers} answers were right by content", estimate.interval)


def _reads_p95_ms(experiment, arm):
    return _with_interval(
        arm_estimates.reads_p95_ms(experiment, arm.deployment, arm.scenario), "{:.1f}", "p95 of all reads, ms:"
    )


def _latency(figure, what):
    def measure(experiment, arm):
        found = arm_estimates.latency(experiment, arm.deployment, arm.scenario, arm.endpoint, figure)
        return _with_interval(found, "{:.1f}", f"{what}, ms:")

    return measure


def _database_median_ms(experiment, arm):
    value = arm_metrics.percentile(experiment, arm.deployment, arm.scenario, "db_ms", 0.5, arm.endpoint)
    if value is None:
        return None
    base = arm_metrics.percentile(experiment, BASE, arm.scenario, "db_ms", 0.5, arm.endpoint)
    beside = f"; {base:.1f} ms on {BASE}" if base is not None and arm.deployment != BASE else ""
    return Measured(value, f"median {value:.2f} ms in the database{beside}")


def _wrong_scans(experiment, arm):
    runs = [run for run in arm.runs(experiment) if run.record.get("writes")]
    if not runs:
        return None
    writes = pd.DataFrame([run.record["writes"] for run in runs]).sum()
    text = (
        f"of {writes['acknowledged']} acknowledged scans {writes['lost']} are not in the database, and "
        f"{writes['doubled']} of {writes['stored']} are there twice"
    )
    return Measured(float(writes["lost"] + writes["doubled"]), text)


def _refused_over_budget(experiment, arm):
    outcomes = [run.record["outcome"] for run in arm.runs(experiment)]
    if not outcomes:
        return None
    refused = [not outcome["started"] and OVER_BUDGET in outcome["message"] for outcome in outcomes]
    other = outcomes[refused.index(False) if False in refused else 0]
    return Measured(sum(refused) / len(refused), other["message"] or "it started")


def _capacity(experiment, arm):
    for found in capacity.found(experiment):
        bracket = found.bracket
        if arm.is_searched(found) and bracket != capacity.Bracket(None, None):
            held, broken = ("none that was tried" if end is None else f"{end:,.0f}" for end in vars(bracket).values())
            text = f"held in every block: {held}; in none: {broken} ({capacity.UNITS[found.family]})"
            return Measured(bracket.certified or 0.0, text)
    return None


METRICS = {
    "speedup": Metric("duration", " times shorter", _speedup, needs=("against",)),
    "floor_ratio": Metric(
        "duration over the least time of its hashes and queries", "", _floor_ratio, columns=cpu_metrics.WORK_COLUMNS
    ),
    "success_ratio": Metric("share of right answers", "", _success_ratio, "{:.4g}"),
    "reads_p95_ms": Metric("p95 of all reads", " ms", _reads_p95_ms),
    "mean_ms": Metric("mean latency", " ms", _latency("mean_ms", "mean"), needs=("endpoint",)),
    "median_ms": Metric("median latency", " ms", _latency("median_ms", "median"), needs=("endpoint",)),
    "p95_ms": Metric("p95 latency", " ms", _latency("p95_ms", "p95"), needs=("endpoint",)),
    "p99_ms": Metric("p99 latency", " ms", _latency("p99_ms", "p99"), needs=("endpoint",)),
    "database_median_ms": Metric("median time in the database", " ms", _database_median_ms, needs=("endpoint",)),
    "wrong_scans": Metric("acknowledged scans lost or stored twice", "", _wrong_scans),
    "capacity": Metric("certified capacity", " requests/s (open) or users (sustained)", _capacity),
    "refused_over_budget": Metric("share of starts refused as over the connection budget", "", _refused_over_budget),
}
