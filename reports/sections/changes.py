"""What each change is worth: a forest plot of the primary metrics, and in folds every comparison."""

import math
from collections.abc import Iterator
from itertools import chain

from analysis import ablation
from analysis.effect_tables import Change, EffectTable
from analysis.figures.forest import ForestRow, forest
from analysis.findings import wording
from analysis.metrics.effect_metrics import EFFECT_METRICS
from analysis.stats.hypothesis import Effect
from analysis.stats.power import MAX_BLOCKS
from workbench.arms import BURST_50, READS
from workbench.primary_metrics import declared

from ..markup import Html
from ..numerals import SECTION, marked, sentence
from ..svg import inline
from ..tables import behind
from . import effects, servers, upstream_waits
from .arm_effects import arm_effects
from .comparison import Report, join, plural
from .names import change

# The groups of the plot: kind of change, scenario, metric, heading.
GROUPS = (
    ("deployment", BURST_50, "makespan_s", "Duration of 50 users at once, in the place of the published set-up"),
    ("optimisation", BURST_50, "makespan_s", "Duration of 50 users at once, tuned with the change / without it"),
    ("change", READS, "database_ms", "Database time of single reads, the published set-up with one change"),
)
VERDICTS = ("improvement", "regression", "equivalent", "inconclusive")
NOUNS = VERDICTS[:2]
MARGIN = next(metric.equivalence_margin for metric in EFFECT_METRICS if metric.column == "makespan_s")


def changes(report: Report) -> Html:
    """A sentence, the forest plot, and every comparison in folds; empty where nothing is compared."""
    if report.arms:
        return arm_effects(report)
    forest_plot = _forest(report)
    if not str(_sentence(report)) and not str(forest_plot):
        return Html("")
    return join(
        _sentence(report),
        forest_plot,
        behind(
            ("how the verdicts are corrected", effects.method(report)),
            ("every comparison of set-ups", effects.deployment_effects(report)),
            ("of changes of the tuned set-up", effects.optimisation_effects(report)),
            ("of changes of the published set-up", effects.read_effects(report)),
            ("the tuned set-up on other servers", servers.servers(report)),
            ("waiting for another service: threads, gevent, async", upstream_waits.upstream_waits(report)),
        ),
    )


def _sentence(report: Report) -> Html:
    """The number of verdicts, by kind."""
    tables = list(chain.from_iterable(ablation.all_effect_tables(report.experiment).values()))
    judged = [effect for table in tables for effect in table.effects if effect.verdict != "reported"]
    if not judged:
        return Html("")
    counts = {verdict: sum(each.verdict == verdict for each in judged) for verdict in VERDICTS}
    listed = marked(", ".join(_counted(count, verdict) for verdict, count in counts.items() if count), SECTION)
    beforehand = " on metrics declared beforehand"
    text = f"Verdicts{beforehand if declared(report.experiment.record) is not None else ''}: {{counts}}."
    return Html(f"<p>{sentence(text, counts=listed)}</p>")


def _counted(count: int, verdict: str) -> str:
    """`3 regressions`, `1 improvement`, `6 equivalent`."""
    return plural(count, verdict) if verdict in NOUNS else f"{count} {verdict}"


def _forest(report: Report) -> Html:
    tables = ablation.all_effect_tables(report.experiment)
    rows: list[ForestRow] = []
    for kind, scenario, metric, heading in GROUPS:
        table = next((each for each in tables.get((kind, scenario), []) if each.metric.column == metric), None)
        if table is not None:
            rows += [ForestRow(heading), *_rows(kind, table)]
    if not rows:
        return Html("")
    return inline(
        lambda: forest(rows, MARGIN),
        "forest",
        "Ratios with the change / without it",
        f"Lines are 95 % intervals; a ring has none. Grey: equivalent within {MARGIN:.0%}. A/A: the same twice.",
    )


def _rows(kind: str, table: EffectTable) -> Iterator[ForestRow]:
    """The effects of one table, the smallest ratio first, and its A/A difference."""
    pairs = sorted(zip(table.changes, table.effects, strict=True), key=lambda pair: pair[1].ratio)
    for compared, effect in pairs:
        yield _row(_label(kind, compared), effect, effect.verdict)
    if table.aa_difference is not None:
        yield _row("A/A", table.aa_difference, "reported")


def _row(label: str, effect: Effect, verdict: str) -> ForestRow:
    low, high = effect.interval or (math.nan, math.nan)
    return ForestRow(label, effect.ratio, low, high, verdict, _text(effect, verdict))


def _label(kind: str, compared: Change) -> str:
    return change(compared.after if kind == "deployment" else compared.name).removeprefix("the ")


def _text(effect: Effect, verdict: str) -> str:
    """Ratio and verdict, and for an inconclusive one what would decide it."""
    if effect.interval is None:
        return f"{wording.ratio_text(effect.ratio)}, {wording.counted(effect.blocks, 'block')}"
    text = wording.ratio_text(effect.ratio)
    if effect.reason:
        return f"{text}, more failures"
    if verdict == "inconclusive" and effect.minimum_detectable_effect is not None:
        required = effect.blocks_required or f"over {MAX_BLOCKS}"
        return f"{text}, needs {required} blocks"
    return text if verdict == "reported" else f"{text}, {verdict}"
