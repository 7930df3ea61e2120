"""Effects while an experiment goes on: one ratio for each primary comparison, with a repeated confidence interval.

The interim analyses are the planned ones of the experiment, or one after each block. The intervals allow for all of
them (`stats.group_sequential`). A value of a run is computed once, when the run ends.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from workbench import declared_arms, primary_metrics
from workbench.recording import Run

from .experiment_looks import looks_of
from .metrics.cpu_metrics import system_cpu_ms_per_request
from .metrics.effect_metrics import EFFECT_METRICS
from .stats.block_model import BlockModel
from .stats.confidence import MIN_BLOCKS
from .stats.group_sequential import Looks
from .stats.hypothesis import Comparison, paired

MARKS = ("run", "deployment", "scenario", "block", "replicate")
CPU = "cpu_ms"


class RunningEffect(NamedTuple):
    """The ratio `after` over `before` of a metric so far; `low` and `high` are None below `MIN_BLOCKS` blocks."""

    metric: str
    scenario: str
    before: str
    after: str
    ratio: float
    low: float | None
    high: float | None
    blocks: int


def values_of(run: Run, columns: Sequence[str]) -> dict[str, Any]:
    """The row of a run that has ended: its marks, and its metrics; none where it is not valid."""
    marks = dict(zip(MARKS, (run.name, run.deployment, run.scenario, run.block, run.replicate), strict=True))
    if not run.is_valid() or run.totals is None:
        return marks
    values = {name: float(run.totals[name]) for name in columns if name in run.totals.index}
    if CPU in columns and (cpu_ms := system_cpu_ms_per_request(run)) is not None:
        values[CPU] = cpu_ms
    return marks | values


def primary_columns(record: Mapping[str, Any]) -> list[str]:
    """The columns of the primary metrics of an experiment."""
    return list(dict.fromkeys(each.metric for each in primary_metrics.declared(record) or ()))


def running_effects(record: Mapping[str, Any], values: pd.DataFrame) -> list[RunningEffect]:
    """The effects of the primary comparisons that ran in at least one block; `values` has the rows of `values_of`."""
    at = looks_of(record)
    return [
        effect
        for primary in primary_metrics.declared(record) or ()
        if primary.metric in values
        for effect in _effects(record, _measured(values, primary), primary, at)
    ]


def _measured(values: pd.DataFrame, primary: primary_metrics.PrimaryMetric) -> pd.DataFrame:
    """The rows under a scenario with a value that has a logarithm."""
    rows = values[values["scenario"] == primary.scenario]
    return rows[(rows[primary.metric] > 0) & np.isfinite(rows[primary.metric].astype(float))]


def _effects(
    record: Mapping[str, Any], rows: pd.DataFrame, primary: primary_metrics.PrimaryMetric, at: Looks
) -> Iterator[RunningEffect]:
    name = next((metric.name for metric in EFFECT_METRICS if metric.column == primary.metric), primary.metric)
    model = BlockModel.of_runs(rows["deployment"].tolist(), rows["block"].tolist(), rows[primary.metric].tolist())
    logs = pd.Series(np.log(rows[primary.metric].astype(float)))
    by_arm = pd.DataFrame(logs.groupby([rows["block"], rows["deployment"]]).mean().unstack())
    for after in primary.deployments:
        before = baseline_of(record, primary.scenario, after)
        if not before or not {before, after} <= set(by_arm.columns):
            continue
        log_ratios = (by_arm[after] - by_arm[before]).dropna()
        if len(log_ratios):
            compared = model.compare(paired(log_ratios.to_numpy()), before, after)
            yield RunningEffect(name, primary.scenario, before, after, *_interval(compared, at), len(log_ratios))


def _interval(compared: Comparison, at: Looks) -> tuple[float, float | None, float | None]:
    if compared.blocks < MIN_BLOCKS:
        return math.exp(compared.mean), None, None
    half_width = compared.half_width(at.level_at(compared.blocks))
    return math.exp(compared.mean), math.exp(compared.mean - half_width), math.exp(compared.mean + half_width)


def baseline_of(record: Mapping[str, Any], scenario: str, after: str) -> str:
    """The arm that another one is compared with; empty where there is none.

    It is the first declared one; or of those with an A/A replicate the one that the name begins with, or the first.
    """
    arms = [arm.name for arm in declared_arms.declared(record)][:1]
    replicated = [
        entry["deployment"] for entry in record["runs"] if entry.get("replicate") and entry["scenario"] == scenario
    ]
    names = [name for name in dict.fromkeys(arms or replicated) if name != after]
    prefixes = [name for name in names if after.startswith(f"{name}-")]
    return next(iter([*sorted(prefixes, key=len, reverse=True), *names]), "")
