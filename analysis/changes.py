"""Which changes an experiment tried, and by how much each of them changed a figure in each block."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from . import costs
from .effects import Effect, paired, table, unpaired
from .recording import Experiment

BASE, OURS = "as-measured", "tuned"
BURST, READS = "burst-50", "reads"
WITHOUT, TOGETHER = "-without-", "-and-"
WITH = "-with-"
MAIN = ("as-claimed", "as-advised", "gevent-blocking", "tuned")


@dataclass(frozen=True)
class Figure:
    """A figure of a run by which changes are judged; within `band` of each other two are taken for the same."""

    column: str
    name: str
    band: float
    lower_is_better: bool = True


# Those with the least noise first: what work was done tells more, in fewer blocks, than how long it took.
FIGURES = (
    Figure("statements", "statements of a request", 0.01),
    Figure("cpu_ms", "CPU of the system for a request", 0.05),
    Figure("database_ms", "time in the database for a request", 0.10),
    Figure("makespan_s", "duration", 0.10),
    Figure("mean_ms", "mean latency", 0.10),
    Figure("reads_p95_ms", "p95 latency of reads", 0.10),
    Figure("throughput_rps", "right answers a second", 0.10, lower_is_better=False),
)


@dataclass(frozen=True)
class Change:
    """A deployment before and after one thing was changed; the name is what was done."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Worth:
    """What the changes of one table are worth by one figure under one scenario.

    `chance` compares the baseline with itself: it is None where that did not run twice in a block.
    """

    scenario: str
    figure: Figure
    changes: tuple[Change, ...]
    effects: tuple[Effect, ...]
    chance: Effect | None

    @property
    def floor(self) -> float | None:
        """The ratio (above 1) by which two runs of the same may differ: the far end of the interval of `chance`."""
        if self.chance is None or self.chance.interval is None:
            return None
        return max(1 / self.chance.low, self.chance.high)


def taken_away(experiment: Experiment, baseline: str, scenario: str) -> list[Change]:
    """Each thing that was taken away from the baseline alone; the change is to have it."""
    return [
        Change(name.replace("-", " "), deployment, baseline)
        for deployment, name in _variants(experiment, baseline + WITHOUT, scenario)
        if TOGETHER not in name
    ]


def added(experiment: Experiment, baseline: str, scenario: str) -> list[Change]:
    """Each thing that was changed in the baseline alone."""
    variants = _variants(experiment, baseline + WITH, scenario)
    return [Change(name.replace("-", " "), baseline, deployment) for deployment, name in variants]


def replaced(experiment: Experiment, baseline: str, scenario: str) -> list[Change]:
    """Each other main deployment in the place of the baseline."""
    return [Change(name, baseline, name) for name in MAIN if name != baseline and experiment.find(name, scenario)]


def _variants(experiment, prefix, scenario) -> Iterator[tuple[str, str]]:
    names = {run.deployment for run in experiment.usable if run.scenario == scenario}
    return ((name, name.removeprefix(prefix)) for name in sorted(names) if name.startswith(prefix))


def worth(experiment: Experiment, baseline: str, changes: list[Change], scenario: str) -> list[Worth]:
    """What changes of or to the baseline are worth, by each figure that was measured on both sides.

    Holm's correction is over the changes of one figure: those stand in one table.
    """
    by_run = figures(experiment)
    by_run = by_run[by_run["scenario"] == scenario]
    return [found for figure in FIGURES if (found := _worth(by_run, baseline, changes, figure, scenario))]


def _worth(by_run, baseline, changes, figure, scenario):
    logs = _logs(by_run, figure.column)
    by_name = {change.name: paired(found) for change in changes if (found := _differences(logs, change))}
    if not by_name:
        return None
    judged = {"band": figure.band, "lower_is_better": figure.lower_is_better}
    twice = _twice(by_run[by_run["deployment"] == baseline], figure.column)
    chance = table({"nothing": paired(twice)}, **judged)[0] if twice else None
    judged_changes = tuple(change for change in changes if change.name in by_name)
    return Worth(scenario, figure, judged_changes, tuple(table(by_name, **judged)), chance)


def tables(experiment: Experiment) -> list[Worth]:
    """All that an experiment tells of changes: the tables of the report, in its order."""
    judged = [
        (BASE, replaced(experiment, BASE, BURST), BURST),
        (BASE, added(experiment, BASE, READS), READS),
        *((OURS, taken_away(experiment, OURS, scenario), scenario) for scenario in (BURST, READS)),
    ]
    return [found for baseline, changes, scenario in judged for found in worth(experiment, baseline, changes, scenario)]


def speedup(experiment: Experiment, before: str, after: str, scenario: str) -> Effect | None:
    """What `after` in the place of `before` changes the duration of a scenario by; None where one was not run."""
    found = worth(experiment, before, [Change(after, before, after)], scenario)
    return next((one.effects[0] for one in found if one.figure.column == "makespan_s"), None)


@lru_cache(maxsize=4)
def figures(experiment: Experiment) -> pd.DataFrame:
    """`by_run` with `cpu_ms` (of workers, PostgreSQL and Valkey, for a request) and `throughput_rps`."""
    runs = {run.name: run for run in experiment.usable}
    cpu_ms = {name: costs.system_cpu_ms_per_request(run) for name, run in runs.items()}
    by_run = experiment.by_run
    return by_run.assign(
        cpu_ms=by_run["run"].map(cpu_ms).astype(float), throughput_rps=by_run["right"] / by_run["makespan_s"]
    )


def _logs(by_run, column):
    """The logarithm of the figure by deployment and block; the mean of both where there are two runs. No figure that is
    0 or was not measured has one."""
    positive = by_run[by_run[column] > 0]
    return np.log(positive[column]).groupby([positive["deployment"], positive["block"]]).mean()


def _differences(logs, change):
    """By block, after less before, in the blocks that have both."""
    sides = [logs.xs(name) if name in logs.index.get_level_values(0) else logs.iloc[:0].droplevel(0)
             for name in (change.after, change.before)]  # fmt: skip
    return (sides[0] - sides[1]).dropna().to_list()


def _twice(by_run, column):
    """By block, the second of two runs less the first."""
    positive = by_run[by_run[column] > 0]
    logs = np.log(positive.set_index(["block", "again"])[column]).unstack("again")
    return (logs[True] - logs[False]).dropna().to_list() if {False, True} <= set(logs.columns) else []


def pairs(experiment: Experiment, baseline: str, scenario: str) -> list[str]:
    """The pairs of optimisations that were taken away together, as `<one>-and-<other>`."""
    return [name for _, name in _variants(experiment, baseline + WITHOUT, scenario) if TOGETHER in name]


def interaction(experiment: Experiment, baseline: str, pair: str, scenario: str) -> dict[str, Effect]:
    """By figure, how the worth of one optimisation depends on another, where both were taken away together.

    `pair` names both as in `<baseline>-without-<one>-and-<other>`. The ratio is what the first is worth (with over
    without) beside the second, over what it is worth without it: 1 where each is worth the same with or without the
    other.
    """
    one, other = pair.split(TOGETHER)
    names = [baseline, *(f"{baseline}{WITHOUT}{name}" for name in (one, other, pair))]
    by_run = figures(experiment)
    by_run = by_run[by_run["scenario"] == scenario]
    found = {}
    for figure in FIGURES:
        logs = _logs(by_run, figure.column).unstack("block").reindex(names).dropna(axis=1)
        if logs.shape[1]:
            both, without_one, without_other, without_both = logs.to_numpy()
            ratios = (both - without_one) - (without_other - without_both)
            judged = table({pair: paired(ratios)}, band=figure.band, lower_is_better=figure.lower_is_better)
            found[figure.name] = judged[0]
    return found


def between(before: Experiment, after: Experiment) -> list[Worth]:
    """What differs between two experiments in the arms that both have, by scenario and figure; a change is named after
    its deployment.

    The two were not measured together: what the machine did in between is part of every difference.
    """
    sides = [figures(experiment) for experiment in (before, after)]
    found = []
    for scenario in sorted(set(sides[0]["scenario"]) & set(sides[1]["scenario"])):
        of = [side[side["scenario"] == scenario] for side in sides]
        names = sorted(set(of[0]["deployment"]) & set(of[1]["deployment"]))
        for figure in FIGURES:
            logs = [_logs(side, figure.column) for side in of]
            both = {name: [list(side.get(name, [])) for side in logs] for name in names}
            compared = {name: unpaired(*pair) for name, pair in both.items() if all(pair)}
            if compared:
                effects = table(compared, band=figure.band, lower_is_better=figure.lower_is_better)
                changes = tuple(Change(name, name, name) for name in compared)
                found.append(Worth(scenario, figure, changes, tuple(effects), None))
    return found
