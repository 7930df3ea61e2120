"""The metrics of a run that changes are evaluated by, and their values by run and by block."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from workbench import imported
from workbench.recording import Experiment

from . import cpu_metrics


@dataclass(frozen=True)
class EffectMetric:
    """A metric that changes are evaluated by: its column in `metrics_by_run`, and its name in tables.

    Two values whose ratio lies within [1/(1 + equivalence_margin), 1 + equivalence_margin] count as equivalent.
    `counts` is the column with the number of counts that a value is made of; empty for a time in ms, which was recorded
    in µs.
    """

    column: str
    name: str
    equivalence_margin: float
    lower_is_better: bool = True
    counts: str = ""


# Those with the least noise first: the work that was done shows more, in fewer blocks, than the time that it took. The
# time in the database is work where cores are free, and contains waiting for a core where they are not.
EFFECT_METRICS = (
    EffectMetric("success_share", "share of successful responses", 0.01, lower_is_better=False, counts="successful"),
    EffectMetric("statements", "statements per successful request", 0.01, counts="statement_count"),
    EffectMetric("cpu_ms", "system CPU per request", 0.05, counts="cpu_ticks"),
    EffectMetric("database_ms", "database time per successful request", 0.10),
    EffectMetric("makespan_s", "duration", 0.10, counts="makespan_us"),
    EffectMetric("mean_ms", "mean latency", 0.10),
    EffectMetric("p95_ms", "p95 latency", 0.10),
    EffectMetric("reads_p95_ms", "p95 latency of reads", 0.10),
    EffectMetric("response_mean_ms", "mean response time", 0.10),
    EffectMetric("response_p95_ms", "p95 response time", 0.10),
    EffectMetric("response_reads_p95_ms", "p95 response time of reads", 0.10),
    EffectMetric(
        "throughput_rps", "successful responses per second", 0.10, lower_is_better=False, counts="makespan_us"
    ),
)


CPU_TICK_MS = 10.0  # in which the kernel counts CPU time
OPEN_LOAD_COLUMNS = ("response_mean_ms", "response_p95_ms", "response_reads_p95_ms")


@lru_cache(maxsize=4)
def metrics_by_run(experiment: Experiment) -> pd.DataFrame:
    """Return the experiment's `by_run` with the columns of `EFFECT_METRICS` that it lacks.

    `cpu_ms` is the CPU time of workers, PostgreSQL, Valkey and PgBouncer per request (ms), `throughput_rps` the
    successful responses per second of makespan, and `success_share` their share of all requests, those of dropped
    arrivals included. The response time is a metric of open load only.
    `statement_count`, `cpu_ticks` and `makespan_us` are the counts behind values.
    """
    runs = {run.name: run for run in experiment.usable}
    by_run = experiment.by_run  # it fills the totals of all runs in one pass
    cpu_ms = {name: cpu_metrics.system_cpu_ms_per_request(run) for name, run in runs.items()}
    by_run = by_run.assign(cpu_ms=by_run["run"].map(cpu_ms).astype(float))
    is_open = by_run["run"].isin([name for name, run in runs.items() if run.is_open])
    knows_failures = by_run["run"].isin(
        [name for name, run in runs.items() if imported.knows(run.record, imported.FAILURES)]
    )
    return by_run.assign(
        **{name: by_run[name].where(is_open) for name in OPEN_LOAD_COLUMNS},
        cpu_ticks=by_run["cpu_ms"] * by_run["sent"] / CPU_TICK_MS,
        statement_count=by_run["statements"] * by_run["successful"],
        makespan_us=by_run["makespan_s"] * 1e6,
        throughput_rps=by_run["successful"] / by_run["makespan_s"],
        success_share=(by_run["successful"] / (by_run["requests"] + by_run["omitted"])).where(knows_failures),
    )


def by_block(by_run: pd.DataFrame, deployment: str, column: str) -> pd.Series:
    """Return the value of a metric by block; two runs in one block count as their geometric mean.

    Runs in which the metric was not measured are left out.
    """
    measured = by_run[(by_run["deployment"] == deployment) & by_run[column].notna()]
    with np.errstate(divide="ignore"):
        logs = pd.Series(np.log(measured[column].astype(float)))
    return pd.Series(np.exp(logs.groupby(measured["block"]).mean()))


def replicate_log_ratios(by_run: pd.DataFrame, column: str) -> list[float]:
    """Return ln(second/first) of the runs of one arm, for each block in which it ran twice."""
    values = by_run[column].to_numpy(float)
    measured = (values > 0) & np.isfinite(values)
    runs = zip(by_run["block"].to_numpy()[measured], by_run["replicate"].to_numpy()[measured], strict=True)
    logs = dict(zip(runs, np.log(values[measured]), strict=True))
    return [float(log - logs[block, False]) for (block, is_second), log in sorted(logs.items())
            if is_second and (block, False) in logs]  # fmt: skip
