"""The effects of changes under one scenario: a forest plot, with the difference of identical runs as the noise."""

from collections.abc import Sequence
from itertools import chain

import pandas as pd
import plotly.graph_objects as go

from analysis.ablation import all_effect_tables, between_deployments
from analysis.effect_tables import AA_REPLICATE, EffectTable
from analysis.metrics.effect_metrics import EffectMetric
from analysis.stats.hypothesis import Effect
from workbench.declared_arms import declared
from workbench.errors import RecordingError
from workbench.recording import Experiment

from . import plot_style, texts
from .shown import Shown

COLUMNS = ["change", "before", "after", "ratio", "low", "high", "verdict", "p_holm", "blocks", "detectable"]
NOUNS = ("improvement", "regression")  # of the verdicts
ROW_PX, MARGIN_PX = 24, 110
RULE = (
    "A change is an improvement or a regression where p_holm, the p of a ratio of 1, is at most 0.05; its interval may "
    "reach into the grey band. It is equivalent where two one-sided tests show that it is in the band, which was fixed "
    "beforehand; else it is inconclusive. All p are corrected by Holm for all verdicts here, intervals not. "
    "`detectable` is the smallest ratio that so many blocks show with a power of 80 %."
)
REPORTED = "Reported is no verdict: the metric was not declared as primary under this load, and has no p."


def effects(experiment: Experiment, scenario: str, metric: str) -> Shown:
    """The effect of every measured change on one metric under one scenario, by its name in tables.

    Raises `RecordingError` where the metric has no name like this; without effects the result says so.
    """
    tables = effect_tables(experiment, scenario)
    names = list(dict.fromkeys(table.metric.name for table in tables))
    if names and metric not in names:
        raise RecordingError(f"no effect on {metric!r} was measured under {scenario}; there are: {', '.join(names)}")
    chosen = [table for table in tables if table.metric.name == metric and table.effects]
    rows = pd.DataFrame(list(chain.from_iterable(effect_rows(table) for table in chosen)), columns=COLUMNS)
    if rows.empty:
        return Shown(
            [f"No change is evaluated under {scenario}: it takes two deployments that share several blocks."], rows
        )
    labels = rows.apply(_label, axis=1)
    title = f"{metric}, with the change / without it"
    return Shown(_sentences(chosen, scenario, rows), rows, forest(rows, labels, chosen[0].metric, title))


def effect_tables(experiment: Experiment, scenario: str) -> list[EffectTable]:
    """The effects that an experiment measured under a scenario: of its arms against the first, or of deployments."""
    baseline, *others = [arm.name for arm in declared(experiment.record)] or [""]
    if baseline:
        return [each for each in between_deployments(experiment, baseline, *others) if each.scenario == scenario]
    return [each for (_, name), made in all_effect_tables(experiment).items() if name == scenario for each in made]


def effect_rows(table: EffectTable) -> list[dict]:
    """A row (`COLUMNS`) for each change of a table, and one for the difference of identical runs."""
    rows = [
        _row(change.name, change.before, change.after, effect)
        for change, effect in zip(table.changes, table.effects, strict=True)
    ]
    if table.aa_difference is not None:
        rows.append(_row(AA_REPLICATE, table.baseline, table.baseline, table.aa_difference))
    return rows


def _label(row: pd.Series) -> str:
    """What a row compares: `cache: tuned-without-cache → tuned`; without a name where that is the second deployment."""
    sides = f"{row['before']} → {row['after']}"
    return sides if row["change"] == row["after"] else f"{row['change']}: {sides}"


def _row(change: str, before: str, after: str, effect: Effect) -> dict:
    detectable = effect.power.minimum_detectable_effect if effect.power is not None else None
    return {
        "change": change,
        "before": before,
        "after": after,
        "ratio": effect.ratio,
        "low": effect.low,
        "high": effect.high,
        "verdict": effect.verdict,
        "p_holm": effect.p_holm,
        "blocks": effect.blocks,
        "detectable": detectable,
    }


def _sentences(tables: Sequence[EffectTable], scenario: str, rows: pd.DataFrame) -> list[str]:
    counts = rows[rows["change"] != AA_REPLICATE]["verdict"].value_counts()
    listed = ", ".join(
        texts.counted(number, verdict) if verdict in NOUNS else f"{number} {verdict}"
        for verdict, number in counts.items()
    )
    floors = [
        f"of {table.baseline} by up to × {table.noise_floor:.3g}" for table in tables if table.noise_floor is not None
    ]
    noise = (
        f"Two identical runs of a block differ in 95 % of the blocks: {', '.join(floors)}; means over blocks by less."
        if floors
        else "There are too few pairs of identical runs to say how much those differ."
    )
    return [
        f"{tables[0].metric.name} under {scenario}: {listed}, identical runs not counted.",
        f"A ratio below 1 is less with the change. {noise}",
        *([RULE] if rows["p_holm"].notna().any() else []),
        *([REPORTED] if (rows["verdict"] == "reported").any() else []),
    ]


def forest(rows: pd.DataFrame, labels: pd.Series, metric: EffectMetric, title: str) -> go.Figure:
    """Draw effects (`COLUMNS`) below each other, each with its interval and label; the band is that of `metric`."""
    made = plot_style.figure(height_px=MARGIN_PX + ROW_PX * len(rows))
    margin = metric.equivalence_margin
    made.add_vrect(1 / (1 + margin), 1 + margin, fillcolor=plot_style.NEUTRAL, opacity=0.15, line_width=0)
    made.add_vline(1, line={"color": plot_style.NEUTRAL, "width": 1})
    for number, (verdict, group) in enumerate(rows.groupby("verdict", sort=False)):
        made.add_trace(
            go.Scatter(
                x=group["ratio"],
                y=labels[group.index],
                name=str(verdict),
                mode="markers",
                marker={"size": 9, "color": plot_style.colour_of(str(verdict), number)},
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": (group["high"] - group["ratio"]).fillna(0),
                    "arrayminus": (group["ratio"] - group["low"]).fillna(0),
                },
                customdata=group[["low", "high", "blocks"]],
                hovertemplate="%{y}: × %{x:.3f} (95 % %{customdata[0]:.3f} to %{customdata[1]:.3f}, "
                "n = %{customdata[2]} blocks)<extra></extra>",
            )
        )
    made.update_xaxes(plot_style.log_axis(title))
    made.update_yaxes(categoryorder="array", categoryarray=list(labels)[::-1])
    return made
