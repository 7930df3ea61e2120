"""The metrics that an objective can be about: each is measured on one arm of an experiment.

Latencies are of the successful responses; of open load the response time, from the intended send, is in their place.
Without a success, and where dropped arrivals are reached, they are infinity, which meets no bound.

To add one, write its function and its row in `METRICS` here, the fields that it needs in `workbench.objective_entry`,
and name it in the comments of `objectives.toml`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from workbench.aggregates import READS
from workbench.arms import BASELINE, SINGLE
from workbench.recording import Experiment, Run, arm

from ..ablation import more_failures_reason
from ..capacity.bracket import UNITS, Bracket, CapacityResult, capacity_results
from ..metrics import arm_estimates, arm_metrics, cpu_metrics
from ..speedup import speedup_estimate
from ..stats.confidence import Estimate
from .wording import counted

OVER_BUDGET = "over the connection budget"

Measurement = tuple[Estimate, str]  # the value with its interval, if it has one, and the sentence that shows it


@dataclass(frozen=True)
class Subject:
    """The arm that an objective is about; `endpoint` and `against` (a deployment) only where its metric needs them.

    `scenario` is a family of loads (`open`, `sustained`) if the objective is about a capacity.
    """

    deployment: str
    scenario: str
    endpoint: str = ""
    against: str = ""

    def runs(self, experiment: Experiment) -> list[Run]:
        """The usable runs of the arm; of a family of loads those of the capacity search."""
        if result := self.capacity_result(experiment):
            return result.usable_runs(experiment)
        return experiment.find(self.deployment, self.scenario)

    def is_open(self, experiment: Experiment) -> bool:
        """True where the load of the arm is open: its requests are due by a schedule."""
        return any(run.is_open for run in self.runs(experiment))

    def endpoints(self, experiment: Experiment) -> list[str]:
        """The endpoints that are meant: the one of this name, or all of this name whatever their request type."""
        names = list(arm(experiment.by_arm, self.deployment, self.scenario)["endpoint"])
        if self.endpoint in names:
            return [self.endpoint]
        return [name for name in names if name.partition(" ")[2] == self.endpoint]

    def capacity_result(self, experiment: Experiment) -> CapacityResult | None:
        """The capacity search of this deployment and family of loads."""
        for result in capacity_results(experiment):
            if (result.deployment, result.family) == (self.deployment, self.scenario):
                return result
        return None


@dataclass(frozen=True)
class Metric:
    """A metric as objectives use it.

    measure   measures it on a subject; None if that has no usable run
    name      its name in the claim, followed by the bound and the `unit`
    form      format of the bound
    columns   columns of the request rows without which it is not measured
    scenarios other scenarios on the same deployment that it takes runs of
    objection why a value that meets the bound does not count; empty where it does
    """

    name: str
    unit: str
    measure: Callable[[Experiment, Subject], Measurement | None]
    form: str = "{:g}"
    columns: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    objection: Callable[[Experiment, Subject], str] = lambda experiment, subject: ""

    def claim(self, subject: Subject, bound: str, *, is_open: bool = False) -> str:
        """The objective as a phrase; of open load it is about the response time instead of the latency."""
        endpoint = f"{subject.endpoint}: " if subject.endpoint else ""
        against = f" than on {subject.against}" if subject.against else ""
        name = _of_load(self.name, is_open)
        if self.measure is _capacity:
            return f"{name} {bound} {UNITS.get(subject.scenario, subject.scenario)} on {subject.deployment}"
        return f"{endpoint}{name} {bound}{self.unit}{against}, {subject.scenario} on {subject.deployment}"


def _shown(estimate: Estimate | None, name: str, unit: str) -> Measurement | None:
    """The estimate with its sentence, such as `p95 of all reads 7.6 ms (2.6–22.5, 4 blocks)`."""
    if estimate is None:
        return None
    if math.isinf(estimate.value):
        return estimate, f"{name} beyond every observed value: it reaches into dropped arrivals"
    interval, blocks = "no interval", counted(estimate.blocks, "block")
    if estimate.interval:
        low, high = estimate.interval
        interval = f"{low:.1f}–{high:.1f}{' or wider' if estimate.is_lower_bound else ''}"
    return estimate, f"{name} {estimate.value:.1f} {unit} ({interval}, {blocks})"


def _without_interval(value: float, text: str, runs: list[Run]) -> Measurement:
    return Estimate(value, len({run.block for run in runs})), text


def _speedup(experiment: Experiment, subject: Subject) -> Measurement | None:
    estimate = speedup_estimate(experiment, subject.scenario, subject.against, subject.deployment)
    return _shown(estimate, "duration", "times shorter")


def _more_failures(experiment: Experiment, subject: Subject) -> str:
    return more_failures_reason(experiment, subject.against, subject.deployment, subject.scenario)


def _mostly_failures(experiment: Experiment, subject: Subject) -> str:
    succeeds = arm_metrics.mostly_succeeds(experiment, subject.deployment, subject.scenario)
    return "" if succeeds else "most requests failed"


def _floor_ratio(experiment: Experiment, subject: Subject) -> Measurement | None:
    """Duration / the CPU lower bound of its hashes and queries."""
    duration_s = arm_metrics.duration_s(experiment, subject.deployment, subject.scenario)
    bound_s = cpu_metrics.cpu_lower_bound_s(experiment, subject.deployment, subject.scenario)
    if duration_s is None or not bound_s:
        return None
    ratio = duration_s / bound_s
    text = f"{duration_s:.2f} s, {ratio:.2f} times the CPU lower bound of {bound_s:.2f} s"
    return _without_interval(ratio, text, subject.runs(experiment))


def _success_ratio(experiment: Experiment, subject: Subject) -> Measurement | None:
    estimate = arm_estimates.success_ratio(experiment, subject.deployment, subject.scenario)
    if estimate is None:
        return None
    runs = arm(experiment.by_run, subject.deployment, subject.scenario)
    successful, responses, dropped = (int(runs[name].sum()) for name in ("successful", "requests", "dropped"))
    text = f"{successful:,} of {responses:,} responses were successful by their content"
    return estimate, f"{text}; {dropped} arrivals were dropped" if dropped else text


def _reads_p95_ms(experiment: Experiment, subject: Subject) -> Measurement | None:
    is_open = subject.is_open(experiment)
    arguments = subject.deployment, subject.scenario
    estimate = arm_estimates.reads_p95_ms(experiment, *arguments, "response_" if is_open else "")
    name = "p95 response time of all reads" if is_open else "p95 of all reads"
    return _with_failures(experiment, subject, READS, _shown(estimate, name, "ms"))


def _latency(column: str, name: str) -> Callable[[Experiment, Subject], Measurement | None]:
    """The measurement of one statistic of the latency of an endpoint, of open load of its response time."""

    def measure(experiment: Experiment, subject: Subject) -> Measurement | None:
        is_open = subject.is_open(experiment)
        statistic = f"response_{column}" if is_open else column
        measured = [
            (measurement, endpoint)
            for endpoint in subject.endpoints(experiment)
            if (measurement := _statistic(experiment, subject, endpoint, statistic, _of_load(name, is_open)))
        ]
        if not measured:
            return None
        (estimate, text), endpoint = max(measured, key=lambda pair: pair[0][0].value)
        return estimate, text if len(measured) == 1 else f"{endpoint}, the slowest of {len(measured)}: {text}"

    return measure


def _statistic(
    experiment: Experiment, subject: Subject, endpoint: str, statistic: str, name: str
) -> Measurement | None:
    estimate = arm_estimates.latency(experiment, subject.deployment, subject.scenario, endpoint, statistic)
    return _with_failures(experiment, subject, endpoint, _shown(estimate, name, "ms"))


def _with_failures(
    experiment: Experiment, subject: Subject, endpoint: str, measurement: Measurement | None
) -> Measurement | None:
    """The measurement with the failures in its sentence; infinity where no response of the arm was successful."""
    rows = arm(experiment.by_arm, subject.deployment, subject.scenario)
    rows = rows[rows["endpoint"] == endpoint]
    if rows.empty or not rows["failures"].iloc[0]:
        return measurement
    requests, failed = rows["requests"].iloc[0], rows["failures"].iloc[0]
    if failed == requests:
        blocks = experiment.blocks(subject.deployment, subject.scenario)
        return Estimate(math.inf, blocks), f"none of {requests} requests was successful"
    if measurement is None:
        return None
    estimate, text = measurement
    return estimate, f"{text}, of the successful responses; {failed} of {requests} requests failed"


def _of_load(name: str, is_open: bool) -> str:
    """The name of a metric; of open load with the response time in the place of the latency."""
    return name.replace("latency", "response time") if is_open else name


def _longest_of_all_ms(experiment: Experiment, subject: Subject) -> Measurement | None:
    value = arm_estimates.longest_of_all_ms(experiment, subject.deployment, subject.scenario)
    if value is None:
        return None
    text = f"longest response time {value:,.1f} ms, failed requests included"
    if math.isinf(value):
        text = "longest response time unknown: arrivals were dropped"
    return _without_interval(value, text, subject.runs(experiment))


def _database_median_ms(experiment: Experiment, subject: Subject) -> Measurement | None:
    value, baseline = (
        arm_metrics.percentile(experiment, deployment, subject.scenario, "db_us", 0.5, subject.endpoint)
        for deployment in (subject.deployment, BASELINE)
    )
    if value is None:
        return None
    text = f"median {value:.2f} ms in the database"
    if baseline is not None and subject.deployment != BASELINE:
        text += f"; {baseline:.1f} ms on {BASELINE}"
    return _without_interval(value, text, subject.runs(experiment))


def _wrong_scans(experiment: Experiment, subject: Subject) -> Measurement | None:
    """The number of acknowledged scans that the database lacks or has twice."""
    runs = [run for run in subject.runs(experiment) if run.record.get("writes")]
    if not runs:
        return None
    writes = pd.DataFrame([run.record["writes"] for run in runs]).sum()
    text = (
        f"of {writes['acknowledged']} acknowledged scans {writes['lost']} are missing in the database, and "
        f"{writes['doubled']} of {writes['stored']} are stored twice"
    )
    return _without_interval(float(writes["lost"] + writes["doubled"]), text, runs)


def _refused_over_budget(experiment: Experiment, subject: Subject) -> Measurement | None:
    """The share of starts that were refused as over the connection budget; the sentence is the message of a start."""
    runs = subject.runs(experiment)
    outcomes = [run.record["outcome"] for run in runs]
    if not outcomes:
        return None
    refused = [not outcome["started"] and OVER_BUDGET in outcome["message"] for outcome in outcomes]
    shown = outcomes[refused.index(False) if False in refused else 0]
    return _without_interval(sum(refused) / len(refused), shown["message"] or "it started", runs)


def _capacity(experiment: Experiment, subject: Subject) -> Measurement | None:
    result = subject.capacity_result(experiment)
    if result is None or result.bracket == Bracket(None, None):
        return None
    bracket, unit = result.bracket, UNITS[result.family]
    text = f"sustained in every block: {bracket.lower_text}; in no block: {bracket.upper_text} ({unit})"
    return _without_interval(bracket.lower_bound or 0.0, text, result.usable_runs(experiment))


METRICS = {
    "speedup": Metric("duration", " times shorter", _speedup, objection=_more_failures),
    "floor_ratio": Metric(
        "duration",
        " times the CPU lower bound of its hashes and queries",
        _floor_ratio,
        columns=cpu_metrics.WORK_COLUMNS,
        scenarios=(SINGLE,),
        objection=_mostly_failures,
    ),
    "success_ratio": Metric("share of successful responses", "", _success_ratio, "{:.4g}"),
    "reads_p95_ms": Metric("p95 of all reads", " ms", _reads_p95_ms),
    "mean_ms": Metric("mean latency", " ms", _latency("mean_ms", "mean latency")),
    "median_ms": Metric("median latency", " ms", _latency("median_ms", "median latency")),
    "p95_ms": Metric("p95 latency", " ms", _latency("p95_ms", "p95 latency")),
    "p99_ms": Metric("p99 latency", " ms", _latency("p99_ms", "p99 latency")),
    "longest_of_all_ms": Metric("longest response time of all requests, failed ones too,", " ms", _longest_of_all_ms),
    "database_median_ms": Metric("median time in the database", " ms", _database_median_ms),
    "wrong_scans": Metric("acknowledged scans lost or stored twice", "", _wrong_scans),
    "capacity": Metric("largest sustained load", "", _capacity),
    "refused_over_budget": Metric("share of starts refused as over the connection budget", "", _refused_over_budget),
}
