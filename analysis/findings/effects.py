"""Effects of changes: one finding for each change and metric of the ablation tables."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from workbench.recording import Experiment

from .. import ablation
from ..effect_tables import Change, EffectTable
from ..stats.hypothesis import Effect
from . import wording
from .effort import blocks_required, minutes_required
from .finding import Claim, Finding

KIND = "effect"


def findings(experiment: Experiment) -> Iterator[Finding]:
    """A finding for each effect, table by table."""
    for table in chain.from_iterable(ablation.all_effect_tables(experiment).values()):
        for change, effect in zip(table.changes, table.effects, strict=True):
            yield _finding(experiment, table, change, effect)


def _finding(experiment: Experiment, table: EffectTable, change: Change, effect: Effect) -> Finding:
    metric, scenario = table.metric, table.scenario
    text = f"{wording.ratio_with_interval(effect)} of {change.before}"
    if effect.p_holm is not None:
        text += f", {wording.p_text(effect.p_holm)} after Holm's correction"
    if effect.reason:
        text += f"; no improvement, as {effect.reason}"
    claim = Claim(
        experiment,
        KIND,
        f"{scenario}-{change.before}-to-{change.after}-{metric.column}",
        f"{metric.name} under {scenario}: {change.after} instead of {change.before}",
    )
    finding = claim.finding(
        effect.verdict,
        text,
        [run for side in (change.before, change.after) for run in experiment.find(side, scenario)],
        effect=effect.ratio,
        interval=effect.interval,
        level=effect.level,
        n=effect.blocks,
    )
    if effect.reason:
        return finding  # its failures decide, and not more blocks
    blocks = blocks_required(effect)
    return replace(
        finding,
        minimum_detectable_effect=effect.minimum_detectable_effect,
        blocks_required=blocks,
        minutes_required=minutes_required(
            blocks, [(experiment, side, scenario) for side in (change.before, change.after)]
        ),
    )
