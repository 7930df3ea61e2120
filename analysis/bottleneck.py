"""Why requests take as long as they do: the saturated resource of a run, and the parts of the time that grow with load.

A resource inside another one keeps it busy: a worker that waits for a connection is in use all the time. Of several
saturated resources the innermost is therefore the bottleneck.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from workbench import validity
from workbench.aggregates import SPLIT
from workbench.recording import Experiment, Run, arm

from .metrics.resource_use import (
    MIN_UTILISATION,
    MIN_WAITING,
    ResourceUse,
    activity_readings,
    number_of_readings,
    resource_use,
)
from .request_waits import NO_EVENT

INNERMOST_FIRST = ("CPU", "database", "pool", "worker")


@dataclass(frozen=True)
class Bottleneck:
    """The saturated resource of a run, or None where no resource was saturated, and a sentence with the evidence.

    `utilisation` is that of the resource, or of the busiest one.
    """

    resource: str | None
    sentence: str
    utilisation: float | None = None


def find_bottleneck(run: Run) -> Bottleneck:
    """Return the innermost saturated resource of a run, with its evidence; the load generator comes first."""
    use = {resource.resource: resource for resource in resource_use(run)}
    generator, cpu = use["load generator"], use["CPU"]
    if generator.utilisation is not None and generator.utilisation >= validity.GENERATOR_CPU.threshold:
        sentence = (
            f"the load generator was saturated, and not the system: it used {generator.utilisation:.0%} of a core"
        )
        return Bottleneck("load generator", sentence, generator.utilisation)
    saturated = next((use[name] for name in INNERMOST_FIRST if _is_saturated(use, name)), None)
    if saturated is None:
        return _no_bottleneck(use)
    other = "" if saturated is cpu or cpu.utilisation is None else f"; CPU utilisation was {cpu.utilisation:.1%}"
    sentence = f"the saturated resource was the {saturated.resource}: {_description(saturated)}{other}"
    return Bottleneck(saturated.resource, sentence, saturated.utilisation)


def _is_saturated(use: Mapping[str, ResourceUse], name: str) -> bool:
    """True for a saturated resource, and for the database if its sessions wait while the pool is saturated."""
    sessions_wait = (use["database"].waiting or 0.0) >= MIN_WAITING and use["pool"].is_saturated
    return use[name].is_saturated or (name == "database" and sessions_wait)


def _no_bottleneck(use: Mapping[str, ResourceUse]) -> Bottleneck:
    measured = {resource: resource.utilisation for resource in use.values() if resource.utilisation is not None}
    unmeasured = [name for name, resource in use.items() if resource.utilisation is None]
    not_measured = f"; not measured: {', '.join(unmeasured)}" if unmeasured else ""
    if not measured:
        return Bottleneck(None, f"the saturated resource is unknown{not_measured}")
    busiest = max(measured, key=lambda resource: measured[resource])
    sentence = (
        f"no resource was saturated (at least {MIN_UTILISATION:.1%} in use, and waited for); the busiest was the "
        f"{busiest.resource}: {_description(busiest)}{not_measured}"
    )
    return Bottleneck(None, sentence, busiest.utilisation)


def _description(use: ResourceUse) -> str:
    text = f"{use.capacity}, {use.utilisation:.1%} in use"
    if use.waiting is None:
        return f"{text} (waiting was not measured)"
    if use.resource == "CPU":
        return f"{text}, and something waited for it {use.waiting:.0%} of the time"
    return f"{text}, and {use.waiting:.1f} requests waited for it on average"


def tail_growth(experiment: Experiment, deployment: str, fewer: str, more: str) -> pd.DataFrame:
    """Return, by endpoint, the growth of the tail of latency from one scenario (`fewer` users) to another (`more`).

    A percentile is one request and cannot be split into parts; the mean of the requests between the 90th and the 99th
    percentile can. Columns: `fewer_ms`, `more_ms` (mean latency of those requests, means over the runs), `fewer`,
    `more` (number of those requests over all runs), and the growth of each part in ms; the parts add up to the growth
    of the latency. Empty where one of the scenarios was not run.
    """
    names = ["latency_ms", *(f"{part}_ms" for part in SPLIT)]
    by_endpoint = [arm(experiment.tail, deployment, scenario).groupby("endpoint") for scenario in (fewer, more)]
    sides = [endpoints[names].mean() for endpoints in by_endpoint]
    if sides[0].empty or sides[1].empty:
        return pd.DataFrame(columns=["fewer_ms", "more_ms", "fewer", "more", *SPLIT])
    growth = sides[1] - sides[0]
    parts = growth.drop(columns="latency_ms").rename(columns=lambda name: name.removesuffix("_ms"))
    latencies = [side["latency_ms"].rename(name) for side, name in zip(sides, ("fewer_ms", "more_ms"), strict=True)]
    counts = [
        endpoints["requests"].sum().rename(name) for endpoints, name in zip(by_endpoint, ("fewer", "more"), strict=True)
    ]
    return pd.concat([*latencies, *counts, parts], axis=1)


def session_waits(run: Run) -> pd.DataFrame:
    """Return the waits of the server's active sessions, most sessions first.

    Columns: `wait` (`type:event`) and `sessions`, the mean number. `CPU or nothing` stands for sessions without a wait
    that PostgreSQL has a name for: they compute, or wait for a core.
    """
    activity = activity_readings(run)
    active = activity[activity["name"] == "active"]
    if activity.empty:
        return pd.DataFrame(columns=["wait", "sessions"])
    mean = active.groupby("metric")["value"].sum() / number_of_readings(run, activity)
    named = mean.rename(index={"none": NO_EVENT}).sort_values(ascending=False)
    return named.rename("sessions").rename_axis("wait").reset_index()


def top_statements(run: Run, limit: int = 5) -> pd.DataFrame:
    """Return the statements on which the server spent the most time.

    Columns: `statement`, `calls`, `total_ms`, `mean_ms`, and `share` of the time of all statements.
    """
    deltas = run.database[run.database["source"] == "statement"]
    table = deltas.pivot_table("value", "name", "metric", aggfunc="sum")
    if not {"calls", "total_ms"} <= set(table.columns):
        return pd.DataFrame(columns=["statement", "calls", "total_ms", "mean_ms", "share"])
    table = table.assign(mean_ms=table["total_ms"] / table["calls"], share=table["total_ms"] / table["total_ms"].sum())
    top = table.sort_values("total_ms", ascending=False).head(limit).rename_axis("statement").reset_index()
    return top[["statement", "calls", "total_ms", "mean_ms", "share"]].rename_axis(columns=None)
