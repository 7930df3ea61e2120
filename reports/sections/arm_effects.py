"""What an arm changes against the baseline: each metric with its interval and verdict."""

from collections.abc import Iterator, Sequence
from itertools import chain

import pandas as pd

from analysis import ablation
from analysis.effect_tables import Change, EffectTable
from analysis.figures.forest import ForestRow, forest
from analysis.findings import wording
from analysis.findings.effort import effort
from analysis.findings.finding import INVALID, NOT_MEASURED, REPORTED, Finding
from analysis.regressions import KIND
from analysis.stats.hypothesis import Effect
from workbench import imported
from workbench.redaction import redacted
from workbench.text_cleaning import Target, cleaned

from ..markup import Html
from ..row_charts import beyond, ratio_limits, ratio_strip
from ..svg import inline
from ..tables import Verdict, folded, table
from .comparison import Report, join

NONE = "none"  # the colour of an effect without a verdict


def arm_effects(report: Report) -> Html:
    """The forest plot and the table of the declared metrics, and in a fold all other metrics with their intervals.

    Empty where there is no arm to compare with the baseline.
    """
    baseline, *candidates = (arm.name for arm in report.arms)
    tables, findings = ablation.between_deployments(report.experiment, baseline, *candidates), report.of_kind(KIND)
    pairs = [pair for each in tables for pair in _pairs(each)]
    judged = [pair for pair in pairs if pair[2].verdict != REPORTED]
    others = [pair for pair in pairs if pair[2].verdict == REPORTED]
    by_id = {finding.id: finding for finding in findings}
    return join(
        _forest(tables, baseline),
        _table(judged, by_id, f"Metrics over those of {baseline}, {_declared(report)}", tables),
        _absent(findings),
        folded(f"All other metrics ({len(others)}), without a verdict",
               _table(others, by_id, f"Other metrics over those of {baseline}", [])) if others else Html(""),
    )  # fmt: skip


def _declared(report: Report) -> str:
    """When it was declared which metrics get a verdict."""
    is_imported = imported.is_imported(report.experiment.record)
    return "fixed at the import" if is_imported else "declared before the measurement"


def _pairs(table_: EffectTable) -> Iterator[tuple[EffectTable, Change, Effect]]:
    for change, effect in zip(table_.changes, table_.effects, strict=True):
        yield table_, change, effect


def _table(
    rows: Sequence[tuple[EffectTable, Change, Effect]],
    findings: dict[str, Finding],
    caption: str,
    with_replicates: Sequence[EffectTable],
) -> Html:
    """A row for each effect, and for the A/A difference of each metric that has a verdict."""
    if not rows:
        return Html("")
    judged = {(each.scenario, each.metric.column) for each, _, _ in rows}
    replicates = [
        (each, each.aa_difference)
        for each in with_replicates
        if each.aa_difference is not None and (each.scenario, each.metric.column) in judged
    ]
    drawn = chain((effect for _, _, effect in rows), (effect for _, effect in replicates))
    ends = [end for effect in drawn for end in (effect.interval or (effect.ratio,))]
    limits = ratio_limits(ends)
    frame = [_row(each, change, effect, findings, limits) for each, change, effect in rows]
    frame += [_aa_row(each, effect, limits) for each, effect in replicates]
    low, high = map(wording.ratio_text, limits)
    note = (
        f"The axis of the intervals reaches from {low} to {high}; the grey band is the equivalence margin."
        f"{beyond(ends, limits)}"
    )
    return table(pd.DataFrame(frame, dtype=object), caption, note=note)


def _row(
    each: EffectTable, change: Change, effect: Effect, findings: dict[str, Finding], limits: tuple[float, float]
) -> dict:
    finding = findings.get(f"{each.scenario}-{change.before}-to-{change.after}-{each.metric.column}")
    kind = effect.verdict if effect.verdict != REPORTED else NONE
    row = {
        "metric": f"{each.metric.name} under {each.scenario}, {change.after}",
        "ratio (95 % interval)": _measured(effect, each, limits, kind),
        "blocks": effect.blocks,
    }
    return row if finding is None else row | {"verdict": _pill(finding)}


def _pill(finding: Finding) -> Html:
    """The verdict, and below it what would decide an inconclusive one."""
    required = effort(finding)
    below = f'<span class="requirement">{_shown(required)}</span>' if required else ""
    return Html(f"{Verdict(finding.verdict).pill()}{below}")


def _aa_row(each: EffectTable, effect: Effect, limits: tuple[float, float]) -> dict:
    return {
        "metric": f"A/A: {each.metric.name} under {each.scenario}, the baseline twice",
        "ratio (95 % interval)": _measured(effect, each, limits, NONE),
        "blocks": effect.blocks,
        "verdict": Html("noise"),
    }


def _measured(effect: Effect, each: EffectTable, limits: tuple[float, float], kind: str) -> Html:
    strip = ratio_strip(effect.ratio, effect.interval, each.metric.equivalence_margin, limits, kind)
    return Html(f'<div class="measured"><span>{_shown(wording.ratio_with_interval(effect))}</span>{strip}</div>')


def _absent(findings: Sequence[Finding]) -> Html:
    """What was declared and could not be compared, with the reason."""
    rows = [
        {"comparison": each.claim, "why": redacted(each.evidence), "verdict": Verdict(each.verdict)}
        for each in findings
        if each.verdict in (NOT_MEASURED, INVALID)
    ]
    return table(pd.DataFrame(rows, dtype=object), "Declared, and not compared")


def _forest(tables: Sequence[EffectTable], baseline: str) -> Html:
    """The declared metrics, those of one scenario under a heading, each followed by its A/A difference."""
    rows = list(chain.from_iterable(_forest_rows(scenario, tables) for scenario in _scenarios(tables)))
    if not rows:
        return Html("")
    margins = sorted({each.metric.equivalence_margin for each in tables if _has_verdict(each)})
    has_replicate = any(each.aa_difference is not None for each in tables)
    return inline(
        lambda: forest(rows, margins[0]),
        "forest",
        f"Metrics over those of {baseline}",
        f"Lines are 95 % intervals; a ring has none. {_grey(margins)}"
        f"{f' A/A: {baseline} over itself.' if has_replicate else ''}",
    )


def _grey(margins: Sequence[float]) -> str:
    """What the band of the plot is: the margin of each row's own metric."""
    within = " or ".join(f"{margin * 100:.0f} %" for margin in margins)
    return f"Grey: within {within}{', the margin of the metric' if len(margins) > 1 else ''}."


def _scenarios(tables: Sequence[EffectTable]) -> list[str]:
    return list(dict.fromkeys(each.scenario for each in tables))


def _forest_rows(scenario: str, tables: Sequence[EffectTable]) -> Iterator[ForestRow]:
    judged = [each for each in tables if each.scenario == scenario and _has_verdict(each)]
    if judged:
        yield ForestRow(scenario)
    for each in judged:
        for _, change, effect in _pairs(each):
            yield _forest_row(f"{each.metric.name}, {change.after}", effect, effect.verdict, each)
        if each.aa_difference is not None:
            yield _forest_row(f"{each.metric.name}, A/A", each.aa_difference, REPORTED, each)


def _has_verdict(each: EffectTable) -> bool:
    return any(effect.verdict != REPORTED for effect in each.effects)


def _forest_row(label: str, effect: Effect, verdict: str, each: EffectTable) -> ForestRow:
    low, high = effect.interval or (float("nan"), float("nan"))
    text = wording.ratio_text(effect.ratio)
    shown = text if verdict == REPORTED else f"{text}, {verdict}"
    return ForestRow(label, effect.ratio, low, high, verdict, shown, each.metric.equivalence_margin)


def _shown(text: str) -> str:
    return cleaned(redacted(text), Target.HTML)
