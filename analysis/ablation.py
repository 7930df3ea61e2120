"""Which changes an experiment tried, and by how much each of them changed a figure in each block."""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from workbench.recording import Experiment

from .metrics import cpu_metrics
from .stats.confidence import FEWEST_BLOCKS, LEVEL, t_quantile
from .stats.hypothesis import Effect, paired, table, unpaired

BASE, OURS = "as-measured", "tuned"
BURST, READS = "burst-50", "reads"
WITHOUT, TOGETHER = "-without-", "-and-"
WITH = "-with-"
VARIANTS = {"cross-region": "as-measured"}  # deployments whose name does not say what they are changed from
OTHER_BURSTS = ("burst-25", "burst-100", "burst-50-mix")
MAIN = ("as-claimed", "as-advised", "gevent-blocking", "tuned")


@dataclass(frozen=True)
class Figure:
    """A figure of a run by which changes are judged; within `band` of each other two are taken for the same."""

    column: str
    name: str
    band: float
    lower_is_better: bool = True


# Those with the least noise first: what work was done tells more, in fewer blocks, than how long it took. The time in
# the database is work where cores are free, and has waiting for a core in it where they are not.
FIGURES = (
    Figure("right_share", "share of right answers", 0.01, lower_is_better=False),
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

    `chance` compares the baseline with itself: it is None where that did not run twice in a block. `floor` is the ratio
    (above 1) by which another two runs of the same may differ, with a probability of 95 %.
    """

    scenario: str
    figure: Figure
    changes: tuple[Change, ...]
    effects: tuple[Effect, ...]
    chance: Effect | None
    floor: float | None = None


def taken_away(experiment: Experiment, baseline: str, scenario: str) -> list[Change]:
    """Each thing that was taken away from the baseline alone; the change is to have it."""
    return [
        Change(name.replace("-", " "), deployment, baseline)
        for deployment, name in _variants(experiment, baseline + WITHOUT, scenario)
        if TOGETHER not in name
    ]


def added(experiment: Experiment, baseline: str, scenario: str) -> list[Change]:
    """Each thing that was changed in the baseline alone."""
    variants = [*_variants(experiment, baseline + WITH, scenario)]
    variants += [(name, name) for name, of in VARIANTS.items() if of == baseline and experiment.find(name, scenario)]
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
    sides = {change.name: _sides(by_run, change, figure.column) for change in changes}
    sides = {name: both for name, both in sides.items() if len(both) and both.to_numpy().any()}
    if not sides:
        return None
    judged = {"band": figure.band, "lower_is_better": figure.lower_is_better}
    twice = _twice(by_run[by_run["deployment"] == baseline], figure.column)
    return Worth(
        scenario,
        figure,
        tuple(change for change in changes if change.name in sides),
        tuple(_effects(sides, judged)),
        table({"nothing": paired(twice)}, **judged)[0] if twice else None,
        floor(twice) if len(twice) >= FEWEST_BLOCKS else None,
    )


def _effects(sides, judged):
    """In the order of the changes; where a figure is 0 there is no ratio to judge by, and yet something to say."""
    whole = {name: both for name, both in sides.items() if both.to_numpy().all()}
    ratios = {name: paired(np.log(both["after"] / both["before"])) for name, both in whole.items()}
    found = {effect.name: effect for effect in table(ratios, **judged)}
    return [
        found.get(name) or _of_nothing(name, both["before"], both["after"], judged["lower_is_better"])
        for name, both in sides.items()
    ]


def _of_nothing(name, before, after, lower_is_better):
    """Where one side is 0 in all blocks, that decides; in some of them, nothing does."""
    ratio = float(after.mean() / before.mean()) if before.any() else math.inf
    blocks = min(len(before), len(after))
    decided = not (before.any() and after.any()) and blocks >= FEWEST_BLOCKS
    verdict = "undecided" if not decided else "gain" if (not after.any()) == lower_is_better else "loss"
    return Effect(name, ratio, blocks, verdict)


def floor(differences: Sequence[float]) -> float:
    """How far from 1 the ratio of another pair may be, by the prediction interval of log ratios that were seen."""
    logs = np.asarray(differences)
    reach = t_quantile(LEVEL, len(logs)) * logs.std(ddof=1) * math.sqrt(1 + 1 / len(logs))
    return float(np.exp(abs(logs.mean()) + reach))


@lru_cache(maxsize=4)
def tables(experiment: Experiment) -> dict[tuple[str, str], list[Worth]]:
    """All that an experiment tells of changes, in the order of the report: what is changed (`deployment`, `change`,
    `optimisation` or `addition`) and the scenario, to the figures that were measured.

    Of what no section is about in every experiment, only where there are blocks enough for a verdict.
    """
    found = {
        ("deployment", BURST): (BASE, replaced),
        ("change", READS): (BASE, added),
        ("optimisation", BURST): (OURS, taken_away),
        ("optimisation", READS): (OURS, taken_away),
    }
    others = {("deployment", scenario): (BASE, replaced) for scenario in OTHER_BURSTS}
    others[("addition", BURST)] = (OURS, added)
    made = {
        (what, scenario): worth(experiment, baseline, changes(experiment, baseline, scenario), scenario)
        for (what, scenario), (baseline, changes) in (found | others).items()
    }
    return {key: told for key, told in made.items() if key in found or _is_judged(told)}


def _is_judged(told):
    return any(effect.interval for one in told for effect in one.effects)


def speedup(experiment: Experiment, before: str, after: str, scenario: str) -> Effect | None:
    """What `after` in the place of `before` changes the duration of a scenario by; None where one was not run."""
    found = worth(experiment, before, [Change(after, before, after)], scenario)
    return next((one.effects[0] for one in found if one.figure.column == "makespan_s"), None)


@lru_cache(maxsize=4)
def figures(experiment: Experiment) -> pd.DataFrame:
    """`by_run` with `cpu_ms` (of workers, PostgreSQL and Valkey, for a request) and `throughput_rps`."""
    runs = {run.name: run for run in experiment.usable}
    cpu_ms = {name: cpu_metrics.system_cpu_ms_per_request(run) for name, run in runs.items()}
    by_run = experiment.by_run
    return by_run.assign(
        cpu_ms=by_run["run"].map(cpu_ms).astype(float),
        throughput_rps=by_run["successful"] / by_run["makespan_s"],
        right_share=by_run["successful"] / by_run["requests"],
    )


def _by_block(by_run, deployment, column):
    """The figure by block; of two runs in a block the geometric mean. A figure that was not measured is left out."""
    own = by_run[(by_run["deployment"] == deployment) & by_run[column].notna()]
    with np.errstate(divide="ignore"):
        logs = np.log(own[column].astype(float))
    return np.exp(logs.groupby(own["block"]).mean())


def _sides(by_run, change, column):
    """Columns `before` and `after`, a row for each block that has both."""
    sides = {side: _by_block(by_run, getattr(change, side), column) for side in ("before", "after")}
    return pd.DataFrame(sides).dropna()


def _twice(by_run, column):
    """By block, the logarithm of the second of two runs over the first."""
    positive = by_run[by_run[column] > 0]
    logs = np.log(positive.set_index(["block", "replicate"])[column]).unstack("replicate")
    return (logs[True] - logs[False]).dropna().to_list() if {False, True} <= set(logs.columns) else []


def pairs(experiment: Experiment, baseline: str, scenario: str) -> list[str]:
    """The pairs of optimisations that were taken away together, as `<one>-and-<other>`."""
    return [name for _, name in _variants(experiment, baseline + WITHOUT, scenario) if TOGETHER in name]


def interactions(experiment: Experiment, baseline: str, scenario: str) -> dict[str, list[Effect]]:
    """By figure, how the worth of one optimisation depends on another, for each pair that was taken away together.

    A pair is named as in `<baseline>-without-<one>-and-<other>`. The ratio is what the first is worth (with over
    without) beside the second, over what it is worth without it: 1 where each is worth the same with or without the
    other, over 1 where having one leaves less for the other to gain. Of figures of which less is better.
    """
    by_run = figures(experiment)
    by_run = by_run[by_run["scenario"] == scenario]
    found = {}
    for figure in FIGURES:
        ratios = {pair: _interaction(by_run, baseline, pair, figure) for pair in pairs(experiment, baseline, scenario)}
        ratios = {pair: paired(logs) for pair, logs in ratios.items() if len(logs)}
        if ratios and figure.lower_is_better:
            found[figure.name] = table(ratios, band=figure.band)
    return found


def _interaction(by_run, baseline, pair, figure):
    one, other = pair.split(TOGETHER, maxsplit=1)
    names = [baseline, *(f"{baseline}{WITHOUT}{name}" for name in (one, other, pair))]
    frame = pd.DataFrame({name: _by_block(by_run, name, figure.column) for name in names}).dropna()
    if frame.empty or not frame.to_numpy().all():
        return []
    both, without_one, without_other, without_both = np.log(frame.to_numpy().T)
    return (both - without_one) - (without_other - without_both)


def between(before: Experiment, after: Experiment, without: Collection[tuple[str, str]] = ()) -> list[Worth]:
    """What differs between two experiments in the arms that both have, by scenario and figure; a change is named after
    its deployment. Arms (deployment, scenario) that are named are left out.

    The two were not measured together: what the machine did in between is part of every difference.
    """
    sides = [_less(figures(experiment), without) for experiment in (before, after)]
    scenarios = sorted(set(sides[0]["scenario"]) & set(sides[1]["scenario"]))
    compared = (_between(sides, scenario, figure) for scenario in scenarios for figure in FIGURES)
    return [found for found in compared if found.effects]


def _less(by_run, arms):
    named = zip(by_run["deployment"], by_run["scenario"], strict=True)
    return by_run[np.array([arm not in arms for arm in named], dtype=bool)]


def _between(sides, scenario, figure):
    of = [side[side["scenario"] == scenario] for side in sides]
    names = sorted(set(of[0]["deployment"]) & set(of[1]["deployment"]))
    both = {name: [_by_block(side, name, figure.column) for side in of] for name in names}
    both = {name: pair for name, pair in both.items() if all(map(len, pair)) and any(side.any() for side in pair)}
    whole = {name: unpaired(*map(np.log, pair)) for name, pair in both.items() if all(side.all() for side in pair)}
    judged = {effect.name: effect for effect in table(whole, band=figure.band, lower_is_better=figure.lower_is_better)}
    effects = [judged.get(name) or _of_nothing(name, *pair, figure.lower_is_better) for name, pair in both.items()]
    return Worth(scenario, figure, tuple(Change(name, name, name) for name in both), tuple(effects), None)
