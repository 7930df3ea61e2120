"""Where the time of a run's requests went, for the requests between two quantiles and for all of them."""

import pandas as pd
import plotly.graph_objects as go

from workbench.aggregates import SPLIT
from workbench.errors import UserError
from workbench.recording import Run

from . import plot_style, texts
from .shown import Shown

COLUMNS = ["endpoint", "requests", "share", "latency_ms", *SPLIT]
MIN_SHARE = 0.1  # of a part that a sentence names
BAR_PX, MARGIN_PX = 34, 100
ALL, TAIL = "all", "tail"


def split(run: Run, quantile: tuple[float, float], endpoint: str = "") -> Shown:
    """The mean time in each part, by endpoint: of all requests, and of those between two quantiles of latency.

    Only of successful measured requests whose application reported its time. Raises `UserError` for quantiles that are
    not 0 ≤ low < high ≤ 1.
    """
    low, high = quantile
    if not 0 <= low < high <= 1:
        raise UserError(f"quantiles are two numbers from 0 to 1 in ascending order, not {quantile}")
    table = _means(run, low, high, endpoint)
    if table.empty:
        of = f" to {endpoint}" if endpoint else ""
        return Shown([f"{run.name} has no request{of} whose parts are known (`Server-Timing`)."], table)
    return Shown(_sentences(table, low, high), table, _figure(table, low, high))


def _means(run: Run, low: float, high: float, endpoint: str) -> pd.DataFrame:
    """A row for each endpoint and share of its requests (`COLUMNS`), times in ms."""
    condition, parameters = ("endpoint = ?", [endpoint]) if endpoint else ("true", [])
    parts = ", ".join(f"avg(coalesce({part}_ms, 0)) AS {part}" for part in SPLIT)
    known = (
        f"SELECT * FROM measured WHERE ok AND app_ms IS NOT NULL AND queue_ms IS NOT NULL AND rest_ms IS NOT NULL "
        f"AND {condition}"
    )
    return run.rows.query(
        f"""
        WITH known AS ({known}), ends AS (
            SELECT endpoint, quantile_cont(latency_ms, {low}) AS low_ms, quantile_cont(latency_ms, {high}) AS high_ms
            FROM known GROUP BY endpoint
        ), shares AS (
            SELECT '{ALL}' AS share, known.* FROM known
            UNION ALL SELECT '{TAIL}', known.* FROM known JOIN ends USING (endpoint)
            WHERE latency_ms BETWEEN low_ms AND high_ms
        )
        SELECT endpoint, count(*) AS requests, share, avg(latency_ms) AS latency_ms, {parts}
        FROM shares GROUP BY endpoint, share ORDER BY endpoint, share
        """,
        parameters,
    )


def _sentences(table: pd.DataFrame, low: float, high: float) -> list[str]:
    lines = [f"Where the time went, of all requests and of those between p{100 * low:g} and p{100 * high:g}."]
    for row in table[table["share"] == TAIL].to_dict("records"):
        parts = sorted(SPLIT, key=lambda part: -row[part])
        named = [
            f"{row[part] / row['latency_ms']:.0%} {part}"
            for part in parts
            if row[part] >= MIN_SHARE * row["latency_ms"]
        ]
        lines.append(
            f"{row['endpoint']}: {texts.milliseconds(row['latency_ms'])} in "
            f"{texts.counted(row['requests'], 'request')} of the tail: {', '.join(named)}."
        )
    return lines


def _figure(table: pd.DataFrame, low: float, high: float) -> go.Figure:
    names = {ALL: "all", TAIL: f"p{100 * low:g}–p{100 * high:g}"}
    labels = [table["endpoint"], table["share"].map(names)]
    made = plot_style.figure(height_px=MARGIN_PX + BAR_PX * len(table), barmode="stack")
    for number, part in enumerate(SPLIT):
        if table[part].any():
            made.add_trace(
                go.Bar(
                    x=table[part],
                    y=labels,
                    name=part,
                    orientation="h",
                    marker={"color": plot_style.colour_of(part, number)},
                    hovertemplate=f"{part}: %{{x:.2f}} ms<extra></extra>",
                )
            )
    made.update_xaxes(title="mean time of a request (ms)")
    made.update_yaxes(autorange="reversed")
    return made
