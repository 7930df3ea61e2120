"""The cards of the first screen of a comparison of arms: times before and after, failed requests, objectives met."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis import ablation
from analysis.arm_wording import ORDER, WORDS
from analysis.effect_tables import Change, EffectTable
from analysis.failures_by_arm import failed_requests
from analysis.findings import objectives, wording
from analysis.findings.finding import REPORTED
from analysis.metrics.effect_metrics import by_block, metrics_by_run
from analysis.stats.hypothesis import Effect
from workbench.display import milliseconds_form, seconds_form

from ..markup import Html
from ..numerals import SECTION, marked
from ..tables import cards
from . import objective_counts
from .comparison import Report

MAX_TIMES = 3  # cards of a load and an arm; the table below has all
TIMES = {
    "makespan_s": seconds_form,
    **dict.fromkeys(("mean_ms", "p95_ms", "response_mean_ms", "response_p95_ms"), milliseconds_form),
}
Card = tuple[str, Html, Html]


def arm_cards(report: Report) -> Html:
    """A card for the time of each load on an arm, what is worse first; for failed requests; and for objectives."""
    items = [*list(_times(report))[:MAX_TIMES], *_failed(report), *_objectives(report)]
    return cards(items) if items else Html("")


def _times(report: Report) -> Iterator[Card]:
    """The first time that has a verdict under each load, of each arm: `50 → 24 ms`."""
    baseline, *candidates = (arm.name for arm in report.arms)
    first: dict[str, EffectTable] = {}
    for table in ablation.between_deployments(report.experiment, baseline, *candidates):
        if table.metric.column in TIMES and any(effect.verdict != REPORTED for effect in table.effects):
            first.setdefault(table.scenario, table)
    rows = [
        (table, change, effect)
        for table in first.values()
        for change, effect in zip(table.changes, table.effects, strict=True)
        if effect.verdict != REPORTED
    ]
    for table, change, effect in sorted(rows, key=lambda row: ORDER.index(row[2].verdict)):
        yield _time(report, table, change, effect, named=len(candidates) > 1)


def _time(report: Report, table: EffectTable, change: Change, effect: Effect, *, named: bool) -> Card:
    """The geometric means over the blocks that both sides have; their ratio is the effect."""
    by_run = metrics_by_run(report.experiment)
    of_load = by_run[by_run["scenario"] == table.scenario]
    column = table.metric.column
    sides = pd.DataFrame({side: by_block(of_load, side, column) for side in (change.before, change.after)}).dropna()
    with np.errstate(divide="ignore"):
        before, after = np.exp(np.log(sides).mean())
    number, _, unit = TIMES[column](max(before, after)).partition(" ")
    first, last = ("∞" if math.isinf(side) else number.format(side) for side in (before, after))
    value = Html(f'{marked(first, SECTION)} → <span class="nowrap">{marked(f"{last} {unit}", SECTION)}</span>')
    verdict = WORDS.get(effect.verdict, effect.verdict)
    arm = f", {change.after}" if named else ""
    detail = f"× {wording.ratio_with_interval(effect)}, {verdict}"
    return f"{table.metric.name.capitalize()}, {table.scenario}{arm}", value, marked(detail, SECTION)


def _failed(report: Report) -> Iterator[Card]:
    """Failed and dropped requests of all valid runs, and of the arms that have some."""
    if counts := failed_requests(report.experiment):
        by_arm = f": {counts.by_arm()}" if counts.total else ""
        yield "Failed requests", marked(f"{counts.total:,}", SECTION), marked(f"of {counts.sent:,}{by_arm}", SECTION)


def _objectives(report: Report) -> Iterator[Card]:
    if findings := report.of_kind(objectives.KIND):
        yield "Objectives met", objective_counts.passed(findings), objective_counts.others(findings)
