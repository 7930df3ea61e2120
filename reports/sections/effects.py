"""The effect of each change: a table of verdicts, sentences, and the details that the verdicts rest on."""

from collections.abc import Sequence
from itertools import chain

import pandas as pd

from analysis import ablation
from analysis.ablation import OTHER_BURSTS
from analysis.effect_tables import EffectTable
from analysis.findings import wording
from analysis.stats.confidence import MIN_BLOCKS
from analysis.stats.hypothesis import Effect
from analysis.stats.power import MAX_BLOCKS
from workbench.arms import BASELINE, BURST_50, READS, TUNED

from ..markup import Html
from ..tables import Quantity, Verdict, folded, table
from .comparison import Report, join, plural, prose

REASON = "no improvement, as"  # the column with the failures that keep a verdict from being an improvement
WITH_SENTENCE = ("cpu_ms", "makespan_s", "reads_p95_ms")  # columns of the metrics that have a sentence of their own


def optimisation_effects(report: Report) -> Html:
    """The effect of each optimisation of tuned: tuned with it against tuned without it."""
    pieces = [_effects(report, "optimisation", scenario, "without it") for scenario in (BURST_50, READS)]
    pieces += [_effects(report, "addition", BURST_50, f"on {TUNED}"), _interactions(report)]
    measured = [piece for piece in pieces if piece]
    return join(*measured) if measured else prose("This experiment did not run tuned with one optimisation left out.")


def deployment_effects(report: Report) -> Html:
    """The effect of each main deployment in the place of as-measured."""
    pieces = [_effects(report, "deployment", scenario, f"on {BASELINE}") for scenario in (BURST_50, *OTHER_BURSTS)]
    measured = [piece for piece in pieces if piece]
    return join(*measured) if measured else prose(f"No deployment but {BASELINE} was run under these loads.")


def read_effects(report: Report) -> Html:
    """The effect of each single change of as-measured, under single reads."""
    effects = _effects(report, "change", READS, f"on {BASELINE}")
    return effects or prose(f"This experiment did not run {BASELINE} with one thing changed.")


def _effects(report: Report, kind: str, scenario: str, reference: str) -> Html | None:
    """The verdicts, their sentences, and the folded details; None where nothing was run.

    `reference` says what a metric with the change is divided by.
    """
    effect_tables = ablation.all_effect_tables(report.experiment).get((kind, scenario))
    if not effect_tables:
        return None
    sentences = [prose(wording.effects_sentence(each)) for each in effect_tables if each.metric.column in WITH_SENTENCE]
    details = [_details(each, kind) for each in effect_tables]
    return join(
        _verdicts(effect_tables, kind, _verdict_note(report, effect_tables, reference)),
        *sentences,
        folded(f"Details of the verdicts under {scenario}, {kind} by {kind}", join(*details)),
    )


def _verdicts(effect_tables: Sequence[EffectTable], kind: str, note: str) -> Html:
    """A row for each change, a column for each metric."""
    rows: dict[str, dict] = {}
    for each in effect_tables:
        for effect in each.effects:
            rows.setdefault(effect.name, {kind: effect.name})[each.metric.name] = _verdict_cell(effect)
    frame = pd.DataFrame(list(rows.values()), dtype=object)
    caption = f"Effect of each {kind} under {effect_tables[0].scenario}"
    return table(frame, caption, note=note)


def _verdict_note(report: Report, effect_tables: Sequence[EffectTable], reference: str) -> str:
    blocks = [effect.blocks for each in effect_tables for effect in each.effects]
    least, most = min(blocks), max(blocks)
    paired = f"Each metric with the change over the same metric {reference}, paired by block; "
    paired += f"{plural(most, 'block')}. " if least == most else f"{least} to {plural(most, 'block')}. "
    if most < MIN_BLOCKS:
        return paired + f"Fewer than {MIN_BLOCKS} blocks give no verdict."
    family = list(chain.from_iterable(ablation.all_effect_tables(report.experiment).values()))
    return paired + wording.family_sentence(ablation.comparisons_in(family))


def _verdict_cell(effect: Effect) -> str:
    ratio = wording.ratio_text(effect.ratio)
    has_verdict = effect.interval is not None or effect.verdict != "inconclusive"
    return f"{ratio} {effect.verdict}" if has_verdict else ratio


def _details(effects: EffectTable, kind: str) -> Html:
    """The intervals, p-values and power behind the verdicts on one metric."""
    rows = [_detail_row(effect, kind) for effect in effects.effects]
    if effects.aa_difference:
        rows.append(_detail_row(effects.aa_difference, kind) | {"verdict": None})
    note = (
        f"{wording.noise_sentence(effects)} The equivalence margin is {effects.metric.equivalence_margin:.0%}. The "
        "minimum detectable effect is the smallest effect that such an experiment detects with a power of 80 %, at the "
        "upper 80 % bound of the spread. With "
        "the blocks required an experiment has that power to detect an effect as large as the margin, and to call no "
        "effect equivalent."
    )
    caption = f"{effects.metric.name} under {effects.scenario}: effect of each {kind}"
    frame = pd.DataFrame(rows, dtype=object)
    with_reasons = frame if frame[REASON].notna().any() else frame.drop(columns=REASON)
    return table(with_reasons, caption[:1].upper() + caption[1:], note=note)


def _detail_row(effect: Effect, kind: str) -> dict:
    ratio = Quantity.optional(effect.ratio, "{:.4g}")
    return {kind: effect.name, "ratio": ratio, **_interval_cells(effect), REASON: effect.reason or None}


def _interval_cells(effect: Effect) -> dict:
    has_interval = effect.interval is not None
    detectable = effect.minimum_detectable_effect
    return {
        "95 % interval": f"{effect.low:.4g}–{effect.high:.4g}" if has_interval else None,
        "verdict": Verdict(effect.verdict),
        "p (Holm)": None if effect.p_holm is None else wording.p_text(effect.p_holm).removeprefix("p "),
        "minimum detectable effect": None if detectable is None else wording.effect_size(detectable),
        "blocks required": (effect.blocks_required or f"over {MAX_BLOCKS}") if has_interval else None,
        "blocks": effect.blocks,
    }


def _interactions(report: Report) -> Html | None:
    """The dependence of one optimisation's effect on another, for the pairs that were left out together."""
    rows = [
        {"pair": f"{effect.name}, {scenario}", "metric": metric, **_detail_row(effect, "")}
        for scenario in (BURST_50, READS)
        for metric, effects in ablation.interactions(report.experiment, TUNED, scenario).items()
        for effect in effects
    ]
    if not rows:
        return None
    frame = pd.DataFrame(rows, dtype=object).drop(columns=["", "verdict", REASON])
    note = (
        "The effect of the first beside the second, over its effect without the second: 1 where neither depends on the "
        "other, above 1 where one of them leaves less for the other to save."
    )
    return folded("Effects of two optimisations together", table(frame, "Two optimisations together", note=note))
