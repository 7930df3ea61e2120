"""The effect of each change: a table of ratios with their verdicts, and a table of what the verdicts rest on."""

from collections.abc import Iterator, Sequence
from itertools import chain

import pandas as pd

from analysis import ablation
from analysis.ablation import OTHER_BURSTS
from analysis.effect_tables import EffectTable
from analysis.findings import wording
from analysis.stats.confidence import MIN_BLOCKS
from analysis.stats.hypothesis import Effect
from analysis.stats.power import MAX_BLOCKS
from workbench.arms import BASELINE, BURST_50, READS, SUSTAINED_100, TUNED

from ..markup import Html, escaped
from ..tables import Verdict, table
from .comparison import Report, join, plural, prose
from .names import change, in_labels, load

AA = "A/A: the same set-up twice"
NOISE_FLOOR = "A/A: largest difference by chance"
WITHOUT_PILL = ("reported", "inconclusive")  # without an interval an inconclusive effect has no pill either
KINDS = {
    "deployment": "set-ups in the place of the published one",
    "optimisation": "changes of the tuned set-up",
    "addition": "additions to the tuned set-up",
    "change": "single changes of the published set-up",
}


def method(report: Report) -> Html:
    """How the verdicts of all tables are corrected, once for the page; nothing where none has a verdict."""
    family = list(chain.from_iterable(ablation.all_effect_tables(report.experiment).values()))
    comparisons = ablation.comparisons_in(family)
    if not comparisons:
        return Html("")
    text = "The tables have ratios with their 95 % intervals, paired by block. "
    return prose(text + wording.family_sentence(comparisons))


def optimisation_effects(report: Report) -> Html:
    """The effect of each optimisation of tuned: tuned with it against tuned without it; empty without any."""
    pieces = [_effects(report, "optimisation", scenario, "without it") for scenario in (BURST_50, READS, SUSTAINED_100)]
    pieces += [_effects(report, "addition", scenario, f"on {TUNED}") for scenario in (BURST_50, SUSTAINED_100)]
    pieces.append(_interactions(report))
    measured = [piece for piece in pieces if piece]
    return join(*measured)


def deployment_effects(report: Report) -> Html:
    """The effect of each main deployment in the place of as-measured; empty without any."""
    pieces = [_effects(report, "deployment", scenario, f"on {BASELINE}") for scenario in (BURST_50, *OTHER_BURSTS)]
    measured = [piece for piece in pieces if piece]
    return join(*measured)


def read_effects(report: Report) -> Html:
    """The effect of each single change of as-measured, under single reads; empty without any."""
    return _effects(report, "change", READS, f"on {BASELINE}") or Html("")


def _effects(report: Report, kind: str, scenario: str, reference: str) -> Html | None:
    """The table of ratios and that of their verdicts; None where nothing was run.

    `reference` says what a metric with the change is divided by.
    """
    effect_tables = ablation.all_effect_tables(report.experiment).get((kind, scenario))
    if not effect_tables:
        return None
    subject = f"{KINDS[kind]}, {load(scenario)}"
    return join(_ratios(effect_tables, subject, reference), _verdicts(effect_tables, f"Verdicts: {subject}"))


def _ratios(effect_tables: Sequence[EffectTable], subject: str, reference: str) -> Html:
    """A row for each change and for the A/A replicate, a column for each metric."""
    rows: dict[str, dict] = {}
    for each in effect_tables:
        for effect in each.effects:
            name = change(effect.name)
            rows.setdefault(name, {"change": name})[each.metric.name] = _ratio(effect)
    for each in effect_tables:
        if each.aa_difference is not None:
            rows.setdefault(AA, {"change": AA})[each.metric.name] = _text(each.aa_difference)
        if each.noise_floor is not None:
            rows.setdefault(NOISE_FLOOR, {"change": NOISE_FLOOR})[each.metric.name] = f"{each.noise_floor - 1:.1%}"
    blocks = [effect.blocks for each in effect_tables for effect in each.effects]
    counted = plural(max(blocks), "block")
    counted = counted if min(blocks) == max(blocks) else f"{min(blocks)} to {counted}"
    note = f"With the change / {in_labels(reference)}; {counted}."
    if max(blocks) < MIN_BLOCKS:
        note += f" Fewer than {MIN_BLOCKS} blocks give no verdict."
    if differing := [each.metric.name for each in effect_tables if _differs(each.aa_difference)]:
        note += (
            f" The A/A replicates differ in one direction in {', '.join(differing)}: be careful with verdicts on it."
        )
    return table(pd.DataFrame(list(rows.values()), dtype=object), subject[:1].upper() + subject[1:], note=note)


def _differs(aa_difference: Effect | None) -> bool:
    return aa_difference is not None and aa_difference.verdict in ("improvement", "regression")


def _ratio(effect: Effect) -> Html:
    """`0.16 (0.14–0.18)` and the verdict, where there is one."""
    has_verdict = effect.verdict not in WITHOUT_PILL or (effect.interval and effect.verdict != "reported")
    pill = f" {Verdict(effect.verdict).pill()}" if has_verdict else ""
    return Html(f"{escaped(_text(effect))}{pill}")


def _text(effect: Effect) -> str:
    text = wording.ratio_text(effect.ratio)
    return f"{text} ({'–'.join(map(wording.ratio_text, effect.interval))})" if effect.interval else text


def _verdicts(effect_tables: Sequence[EffectTable], caption: str) -> Html:
    """What each verdict rests on: the corrected p, and for an inconclusive one what would decide it."""
    rows = [
        {"metric, change": f"{each.metric.name}: {change(effect.name)}", **_verdict_cells(effect)}
        for each in effect_tables
        for effect in each.effects
        if effect.p_holm is not None or effect.reason
    ]
    return table(pd.DataFrame(rows, dtype=object), caption)


def _verdict_cells(effect: Effect) -> dict:
    is_open = effect.verdict == "inconclusive" and effect.interval is not None
    detectable = effect.minimum_detectable_effect if is_open else None
    return {
        "verdict": Verdict(effect.verdict),
        "no improvement, as": effect.reason or None,
        "p (Holm)": None if effect.p_holm is None else wording.p_text(effect.p_holm).removeprefix("p "),
        "minimum detectable effect": None if detectable is None else wording.effect_size(detectable),
        "blocks required": (effect.blocks_required or f"over {MAX_BLOCKS}") if is_open else None,
        "blocks": effect.blocks,
    }


def _interactions(report: Report) -> Html | None:
    """The dependence of one optimisation's effect on another, for the pairs that were left out together."""
    rows = list(_interaction_rows(report))
    if not rows:
        return None
    note = (
        "The effect of the first beside the second, over its effect without the second: 1 where neither depends on the "
        "other, above 1 where one of them leaves less for the other to save."
    )
    return table(pd.DataFrame(rows, dtype=object), "Effects of two optimisations together", note=note)


def _interaction_rows(report: Report) -> Iterator[dict]:
    for scenario in (BURST_50, READS):
        for metric, effects in ablation.interactions(report.experiment, TUNED, scenario).items():
            for effect in effects:
                yield {
                    "pair": f"{effect.name}, {load(scenario)}",
                    "metric": metric,
                    "ratio": _text(effect),
                    "blocks": effect.blocks,
                }
