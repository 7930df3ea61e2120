"""Where the time of requests went, for those between two quantiles and for all of them."""

from collections.abc import Iterator, Sequence

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.aggregates import SPLIT
from workbench.errors import UserError
from workbench.recording import Run
from workbench.request_rows import RequestRows

from . import plot_style, texts
from .shown import Shown

COLUMNS = ["requests", "share", "latency_ms", *SPLIT]
MIN_SHARE = 0.1  # of a part that a sentence names
BAR_PX, MARGIN_PX = 30, 110
ALL, TAIL = "all", "tail"
Quantiles = tuple[float, float]


def split(run: Run, quantile: Quantiles, endpoint: str = "") -> Shown:
    """The mean time in each part, by endpoint: of all requests, and of those between two quantiles of latency.

    Only of successful measured requests whose application reported its time. Raises `UserError` for quantiles that are
    not 0 ≤ low < high ≤ 1.
    """
    check(quantile)
    table = means(run.rows, "endpoint", quantile, endpoint)
    if table.empty:
        of = f" to {endpoint}" if endpoint else ""
        return Shown([f"{run.name} has no successful request{of} whose parts are known (`Server-Timing`)."], table)
    first = f"Where the time went, of all requests and of those between {named(quantile)}."
    return Shown([first, *sentences(table, "endpoint")], table, bars(table, "endpoint", quantile))


def check(quantile: Quantiles) -> None:
    """Raise `UserError` for quantiles that are not 0 ≤ low < high ≤ 1."""
    low, high = quantile
    if not 0 <= low < high <= 1:
        raise UserError(f"quantiles are two numbers from 0 to 1 in ascending order, not {quantile}")


def named(quantile: Quantiles, between: str = " and ") -> str:
    """`p90 and p99`."""
    return between.join(f"p{round(100 * each, 6):g}" for each in quantile)


def means(rows: RequestRows, group: str, quantile: Quantiles, endpoint: str = "") -> pd.DataFrame:
    """A row for each value of a column (`group`) and share of its requests (`COLUMNS`), times in ms.

    The quantiles are of the requests of one run with one value of `group`; the means are over the requests of all runs.
    """
    condition, parameters = ("endpoint = ?", [endpoint]) if endpoint else ("true", [])
    sums = ", ".join(f"sum({part}_ms) AS {part}" for part in SPLIT)
    sums_by_share = rows.query(
        f"""
        WITH known AS (
            SELECT * FROM measured WHERE ok AND latency_us IS NOT NULL AND app_ms IS NOT NULL AND queue_ms IS NOT NULL
                AND rest_ms IS NOT NULL AND {condition}
        ), ends AS (
            SELECT run, {group}, quantile_cont(latency_us, {list(quantile)}) AS ends FROM known GROUP BY run, {group}
        )
        SELECT {group}, latency_us BETWEEN ends[1] AND ends[2] AS is_tail,
               count(*) AS requests, sum(latency_ms) AS latency_ms, {sums}
        FROM known JOIN ends USING (run, {group}) GROUP BY ALL
        """,
        parameters,
    )
    return _of_all_and_tail(sums_by_share, group)


def _of_all_and_tail(sums: pd.DataFrame, group: str) -> pd.DataFrame:
    """Means from the sums over the requests in the tail (`is_tail`) and over the others."""
    both = {ALL: sums, TAIL: sums[sums["is_tail"]]}
    tables = [each.groupby(group).sum(numeric_only=True).assign(share=share) for share, each in both.items()]
    table = pd.concat(tables).rename_axis(group).reset_index().sort_values([group, "share"], ignore_index=True)
    times = ["latency_ms", *SPLIT]
    table[times] = table[times].fillna(0.0).div(table["requests"], axis=0)
    return table[[group, *COLUMNS]]


def sentences(table: pd.DataFrame, group: str) -> Iterator[str]:
    """Yield a sentence for each value of `group`: the parts with at least a tenth of the time of its tail."""
    for row in table[table["share"] == TAIL].to_dict("records"):
        largest = sorted((part for part in SPLIT if row[part] >= MIN_SHARE * row["latency_ms"]), key=lambda p: -row[p])
        parts = ", ".join(f"{row[part] / row['latency_ms']:.0%} {part}" for part in largest)
        yield (
            f"{row[group]}: {texts.milliseconds(row['latency_ms'])} in "
            f"{texts.counted(row['requests'], 'request')} of the tail: {parts}."
        )


def bars(table: pd.DataFrame, group: str, quantile: Quantiles) -> go.Figure:
    """Draw the parts twice, in ms and as shares of the mean latency: two bars for each value of `group`."""
    labels = [table[group], table["share"].map({ALL: "all", TAIL: named(quantile, "–")})]
    made = make_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.03)
    plot_style.in_style(made, MARGIN_PX + BAR_PX * len(table)).update_layout(barmode="stack")
    for number, part in enumerate(SPLIT):
        if table[part].any():
            shares = 100 * table[part] / table["latency_ms"]
            for column, (values, unit) in enumerate(((table[part], "ms"), (shares, "%")), start=1):
                bar = _bar(part, number, values, labels, unit)
                made.add_trace(bar.update(showlegend=column == 1), row=1, col=column)
    made.update_xaxes(title="mean time of a request (ms)", col=1)
    made.update_xaxes(title="share of it (%)", col=2)
    return made.update_yaxes(autorange="reversed")


def _bar(part: str, number: int, values: pd.Series, labels: Sequence[pd.Series], unit: str) -> go.Bar:
    return go.Bar(
        x=values,
        y=labels,
        name=part,
        legendgroup=part,
        orientation="h",
        marker={"color": plot_style.colour_of(part, number)},
        hovertemplate=f"{part}: %{{x:.2f}} {unit}<extra></extra>",
    )
