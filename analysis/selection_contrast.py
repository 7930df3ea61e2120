"""What selected requests have more of than the others: attribute by attribute, with intervals by block.

Requests of one run depend on each other, so the unit is the block. d is the share of a value among the selected
requests of a block less its share among the others; its interval is d̄ ± t·s/√k over k blocks, t with k − 1 degrees of
freedom. p of the t-test of d̄ = 0 is corrected by Holm (1979) over all values of all attributes.

Two attributes are listed without interval and test: the block itself, and that no reading of the database's sessions
fell into a request. Shares of wait events are of the requests into which one fell: a long request has one more often,
whatever the sessions wait for.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from workbench.request_rows import RequestRows

from . import request_waits
from .stats.confidence import LEVEL, MIN_BLOCKS, t_quantile
from .stats.hypothesis import holm

CONNECTION = "connection::VARCHAR || ' of worker ' || worker::VARCHAR"  # null where none is known
BLOCK, WAIT_EVENT, NOT_READ = "block", "wait event", "not read"
WAIT_EVENT_COLUMN = "wait_event"
# Each attribute of a request, as SQL over `RECORDED` that gives a text.
ATTRIBUTES = {
    "endpoint": "endpoint",
    "worker": "coalesce(worker::VARCHAR, 'unknown')",
    "connection": f"coalesce({CONNECTION}, 'none')",
    "cache": "coalesce(cache, 'none')",
    "outcome": "CASE WHEN ok THEN 'successful' ELSE coalesce(error, 'failed') END",
}
# Columns that have all attributes. Rows are counted by these first, in one pass: they have few values together.
RECORDED = ("endpoint", "worker", "connection", "cache", "ok", "error")
COLUMNS = ["attribute", "value", "selected", "others", "difference", "low", "high", "p_holm", "blocks"]
SIDES = ["chosen", "rest"]
MAX_VALUES = 12  # of an attribute; the requests with rarer ones stay in the totals
FAIR_SHARES, MIN_MORE = 2.0, 0.25  # from which a block has far more of the selected requests than of the others


@dataclass(frozen=True)
class Box:
    """Selected requests: by latency, and by the time from the first measured send to theirs; both in ms."""

    min_latency_ms: float = 0.0
    max_latency_ms: float = math.inf
    from_ms: float = 0.0
    to_ms: float = math.inf

    @property
    def condition(self) -> str:
        """The selection as SQL over rows with `at_ms`."""
        bounds = {"at_ms": (self.from_ms, self.to_ms), "latency_ms": (self.min_latency_ms, self.max_latency_ms)}
        within = [f"{name} BETWEEN '{low}'::DOUBLE AND '{high}'::DOUBLE" for name, (low, high) in bounds.items()]
        return f"coalesce({' AND '.join(within)}, false)"


def contrast(rows: RequestRows, box: Box, readings: pd.DataFrame | None = None) -> pd.DataFrame:
    """Compare the measured requests in the box with the others, in every block of these rows.

    A row for each value of each attribute (`COLUMNS`), the largest difference first: its mean share among the selected
    and among the others, the difference with its interval, and p. `low`, `high` and `p_holm` are NaN below `MIN_BLOCKS`
    blocks in which both sides have requests, and for what is not tested. Empty where nothing, or everything, is
    selected. `readings` of `request_waits.readings_by_place` add the wait event.
    """
    counted = _counts(rows, box, readings)
    totals = _totals(counted[counted["attribute"] != WAIT_EVENT], ["attribute", BLOCK]).groupby(BLOCK).first()
    if not totals.sum().all():
        return pd.DataFrame(columns=COLUMNS)
    attributes = (*ATTRIBUTES, WAIT_EVENT)
    compared = [row for name in attributes for row in _of_attribute(name, counted[counted["attribute"] == name])]
    compared += [*_of_blocks(totals), *_without_reading(totals, counted[counted["attribute"] == WAIT_EVENT])]
    table = pd.DataFrame(compared, columns=[*COLUMNS[:-2], "p", "blocks"])
    tested = table["p"].notna()
    table["p_holm"] = math.nan
    table.loc[tested, "p_holm"] = holm(table.loc[tested, "p"].to_list())
    return table[COLUMNS].sort_values("difference", ascending=False, key=abs, kind="stable", ignore_index=True)


def _counts(rows: RequestRows, box: Box, readings: pd.DataFrame | None) -> pd.DataFrame:
    """Rows (attribute, block, value, chosen, rest): how many requests of each block have each value.

    The attribute of the wait event counts only the requests into which a reading fell.
    """
    attributes, recorded, join, tables = dict(ATTRIBUTES), ", ".join(RECORDED), "", {}
    if readings is not None and len(readings):
        attributes[WAIT_EVENT], join, tables = WAIT_EVENT_COLUMN, request_waits.JOIN, {"readings": readings}
        recorded += f", {request_waits.EVENT} AS {WAIT_EVENT_COLUMN}"
    named = ", ".join(f'{sql} AS "{name}"' for name, sql in attributes.items())
    return rows.query(
        f"""
        WITH first AS (SELECT run, min(start_ms) AS first_ms FROM measured GROUP BY run),
        begun AS (SELECT measured.*, start_ms - first_ms AS at_ms FROM measured JOIN first USING (run)),
        marked AS (SELECT block, {recorded}, {box.condition} AS is_chosen FROM begun AS requests {join}),
        counted AS (
            SELECT * EXCLUDE (is_chosen), count(*) FILTER (is_chosen) AS chosen, count(*) FILTER (NOT is_chosen) AS rest
            FROM marked GROUP BY ALL
        ),
        named AS (SELECT block, chosen, rest, {named} FROM counted)
        SELECT attribute, block, value, sum(chosen)::BIGINT AS chosen, sum(rest)::BIGINT AS rest
        FROM (UNPIVOT named ON {", ".join(f'"{name}"' for name in attributes)} INTO NAME attribute VALUE value)
        GROUP BY ALL ORDER BY ALL
        """,
        tables=tables,
    )


def _totals(counted: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    return counted.groupby(keys)[SIDES].sum()


def _of_attribute(attribute: str, counted: pd.DataFrame) -> Iterator[tuple]:
    """Yield the commonest values of an attribute, compared in the blocks in which both sides have requests."""
    totals = _totals(counted, [BLOCK])
    totals = totals[(totals > 0).all(axis=1)]
    commonest = _totals(counted, ["value"]).sum(axis=1).nlargest(MAX_VALUES).index
    for value, counts in counted[counted["value"].isin(commonest)].groupby("value", sort=False) if len(totals) else ():
        shares = counts.set_index(BLOCK)[SIDES].reindex(totals.index, fill_value=0) / totals
        differences = (shares["chosen"] - shares["rest"]).to_numpy()
        low, high, p = _tested(differences) if len(differences) >= MIN_BLOCKS else (math.nan, math.nan, math.nan)
        yield attribute, value, *shares[SIDES].mean(), differences.mean(), low, high, p, len(differences)


def _of_blocks(totals: pd.DataFrame) -> Iterator[tuple]:
    """Yield the share of each block among the selected requests of all blocks, and among the others."""
    blocks = int((totals > 0).all(axis=1).sum())
    shares = totals / totals.sum()
    for block in totals.index:
        yield _untested(BLOCK, f"{block + 1}", shares.loc[block], blocks)


def _without_reading(totals: pd.DataFrame, with_reading: pd.DataFrame) -> Iterator[tuple]:
    """Yield the share of the requests into which no reading fell; nothing where the sessions were not read."""
    if with_reading.empty:
        return
    present = totals[(totals > 0).all(axis=1)]
    shares = 1 - _totals(with_reading, [BLOCK]).reindex(present.index, fill_value=0) / present
    if len(present):
        yield _untested(WAIT_EVENT, NOT_READ, shares.mean(), len(present))


def _untested(attribute: str, value: str, shares: pd.Series, blocks: int) -> tuple:
    chosen, rest = shares[SIDES]
    return attribute, value, chosen, rest, chosen - rest, math.nan, math.nan, math.nan, blocks


def _tested(differences: np.ndarray) -> tuple[float, float, float]:
    """Both ends of the interval of a mean difference, and p; where all blocks agree exactly that of the sign test."""
    mean, blocks = float(differences.mean()), len(differences)
    std_error = float(differences.std(ddof=1)) / math.sqrt(blocks)
    half_width = t_quantile(LEVEL, blocks) * std_error
    if not std_error:
        return mean, mean, 2.0 ** (1 - blocks) if mean else 1.0
    return mean - half_width, mean + half_width, float(2 * special.stdtr(blocks - 1, -abs(mean) / std_error))


def sizes(rows: RequestRows, box: Box) -> tuple[int, int]:
    """How many measured requests are in the box, and how many there are, those of all runs."""
    table = rows.query(f"""
        WITH first AS (SELECT run, min(start_ms) AS first_ms FROM measured GROUP BY run),
        begun AS (SELECT latency_ms, start_ms - first_ms AS at_ms FROM measured JOIN first USING (run))
        SELECT count(*) FILTER ({box.condition}) AS chosen, count(*) AS requests FROM begun
    """)
    return int(table["chosen"].iloc[0]), int(table["requests"].iloc[0])


def sentences(table: pd.DataFrame, limit: int = 3) -> Sequence[str]:
    """What the selected requests have more of, the largest differences first; or that nothing stands out."""
    certain = table[(table["low"] > 0) & (table["p_holm"] <= 1 - LEVEL)].head(limit)
    lines = [
        f"{row['attribute']} {row['value']}: {row['selected']:.0%} of the selected requests, {row['others']:.0%} of "
        f"the others ({100 * row['low']:.0f} to {100 * row['high']:.0f} percentage points more, 95 %, "
        f"n = {row['blocks']} blocks)."
        for row in certain.to_dict("records")
    ]
    return [*(lines or _uncertain(table)), *_about_readings(table, certain), *_about_blocks(table)]


def _uncertain(table: pd.DataFrame) -> list[str]:
    blocks = int(table["blocks"].max()) if len(table) else 0
    if blocks < MIN_BLOCKS:
        have = "1 block has" if blocks == 1 else f"{blocks} blocks have"
        return [f"No interval: {have} selected and other requests; it takes {MIN_BLOCKS}."]
    return ["No attribute differs beyond what blocks differ from each other."]


def _about_readings(table: pd.DataFrame, named: pd.DataFrame) -> list[str]:
    """How many requests the shares of a named wait event are of."""
    absent = table[(table["attribute"] == WAIT_EVENT) & (table["value"] == NOT_READ)]
    if absent.empty or WAIT_EVENT not in set(named["attribute"]):
        return []
    row = absent.iloc[0]
    shares = f"{1 - row['selected']:.0%} of the selected ones, {1 - row['others']:.0%} of the others"
    return [f"A wait event is of the instant; its shares are of the requests into which a reading fell: {shares}."]


def _about_blocks(table: pd.DataFrame) -> list[str]:
    """The block that has far more of the selected requests than of the others, if there is one."""
    blocks = table[table["attribute"] == BLOCK]
    is_far_more = (blocks["selected"] >= FAIR_SHARES * blocks["others"]) & (blocks["difference"] >= MIN_MORE)
    return [
        f"Block {row['value']} has {row['selected']:.0%} of the selected requests and {row['others']:.0%} of the "
        f"others: what was special may have been that block. A block is one repetition, so this has no interval."
        for row in blocks[is_far_more].head(1).to_dict("records")
    ]
