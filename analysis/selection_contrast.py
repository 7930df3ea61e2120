"""What selected requests have more of than the others: attribute by attribute, with intervals by block.

Requests of one run depend on each other, so the unit is the block. d is the share of a value among the selected
requests of a block less its share among the others; its interval is d̄ ± t·s/√k over k blocks, t with k − 1 degrees of
freedom. p of the t-test of d̄ = 0 is corrected by Holm (1979) over all values of all attributes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from workbench.request_rows import RequestRows

from .stats.confidence import LEVEL, MIN_BLOCKS, t_quantile
from .stats.hypothesis import holm

CONNECTION = "connection::VARCHAR || ' of worker ' || worker::VARCHAR"  # null where none is known
# Each attribute of a request, as SQL that gives a text.
ATTRIBUTES = {
    "endpoint": "endpoint",
    "worker": "coalesce(worker::VARCHAR, 'unknown')",
    "connection": f"coalesce({CONNECTION}, 'none')",
    "cache": "coalesce(cache, 'none')",
    "outcome": "CASE WHEN ok THEN 'successful' ELSE coalesce(error, 'failed') END",
}
COLUMNS = ["attribute", "value", "selected", "others", "difference", "low", "high", "p_holm", "blocks"]
SIDES = ["chosen", "rest"]
MAX_VALUES = 12  # of an attribute; the requests with rarer ones stay in the totals


@dataclass(frozen=True)
class Box:
    """Selected requests: by latency, and by the time from the first measured send to theirs; both in ms."""

    fastest_ms: float = 0.0
    slowest_ms: float = math.inf
    from_ms: float = 0.0
    to_ms: float = math.inf

    @property
    def condition(self) -> str:
        """The selection as SQL over rows with `at_ms`."""
        bounds = {"at_ms": (self.from_ms, self.to_ms), "latency_ms": (self.fastest_ms, self.slowest_ms)}
        within = [f"{name} BETWEEN '{low}'::DOUBLE AND '{high}'::DOUBLE" for name, (low, high) in bounds.items()]
        return f"coalesce({' AND '.join(within)}, false)"


def contrast(rows: RequestRows, box: Box) -> pd.DataFrame:
    """Compare the measured requests in the box with the others, in every block of these rows.

    A row for each value of each attribute (`COLUMNS`), the largest difference first: its mean share among the selected
    and among the others, the difference with its interval, and p. `low`, `high` and `p_holm` are NaN below `MIN_BLOCKS`
    blocks in which both sides have requests. Empty where nothing, or everything, is selected.
    """
    counted = pd.concat([_counts(rows, name, value, box) for name, value in ATTRIBUTES.items()], ignore_index=True)
    totals = counted[counted["attribute"] == next(iter(ATTRIBUTES))].groupby("block")[SIDES].sum()
    totals = totals[(totals > 0).all(axis=1)]
    if totals.empty:
        return pd.DataFrame(columns=COLUMNS)
    compared = [
        _compared(attribute, value, group.set_index("block")[SIDES].reindex(totals.index, fill_value=0), totals)
        for (attribute, value), group in counted.groupby(["attribute", "value"], sort=False)
    ]
    table = pd.DataFrame(compared, columns=[*COLUMNS[:-2], "p", "blocks"])
    tested = table["p"].notna()
    table["p_holm"] = math.nan
    table.loc[tested, "p_holm"] = holm(table.loc[tested, "p"].to_list())
    return table[COLUMNS].sort_values("difference", ascending=False, key=abs, ignore_index=True)


def _counts(rows: RequestRows, attribute: str, value: str, box: Box) -> pd.DataFrame:
    """Rows (block, value, chosen, rest): how many requests of each block have each of the commonest values."""
    table = rows.query(f"""
        WITH begun AS (SELECT *, start_ms - min(start_ms) OVER (PARTITION BY run) AS at_ms FROM measured),
        valued AS (SELECT block, {value} AS value, {box.condition} AS is_chosen FROM begun)
        SELECT block, value, count(*) FILTER (is_chosen) AS chosen, count(*) FILTER (NOT is_chosen) AS rest
        FROM valued GROUP BY block, value
    """)
    commonest = table.groupby("value")[SIDES].sum().sum(axis=1).nlargest(MAX_VALUES).index
    return table[table["value"].isin(commonest)].assign(attribute=attribute)


def _compared(attribute: Any, value: Any, counts: pd.DataFrame, totals: pd.DataFrame) -> tuple:
    shares = counts / totals
    differences = (shares["chosen"] - shares["rest"]).to_numpy()
    mean, blocks = float(differences.mean()), len(differences)
    low, high, p = math.nan, math.nan, math.nan
    if blocks >= MIN_BLOCKS:
        low, high, p = _tested(differences)
    return attribute, value, float(shares["chosen"].mean()), float(shares["rest"].mean()), mean, low, high, p, blocks


def _tested(differences: np.ndarray) -> tuple[float, float, float]:
    """Both ends of the interval of a mean difference, and p; where all blocks agree exactly that of the sign test."""
    mean, blocks = float(differences.mean()), len(differences)
    std_error = float(differences.std(ddof=1)) / math.sqrt(blocks)
    half_width = t_quantile(LEVEL, blocks) * std_error
    if not std_error:
        return mean, mean, 2.0 ** (1 - blocks) if mean else 1.0
    return mean - half_width, mean + half_width, float(2 * special.stdtr(blocks - 1, -abs(mean) / std_error))


def sentences(table: pd.DataFrame, limit: int = 3) -> Sequence[str]:
    """What the selected requests have more of, the largest differences first; or that nothing stands out."""
    certain = table[(table["low"] > 0) & (table["p_holm"] <= 1 - LEVEL)]
    if certain.empty:
        blocks = int(table["blocks"].max()) if len(table) else 0
        if blocks < MIN_BLOCKS:
            return [f"No interval: {blocks} blocks have selected and other requests; it takes {MIN_BLOCKS}."]
        return ["No attribute differs beyond what blocks differ from each other."]
    return [
        f"{row['attribute']} {row['value']}: {row['selected']:.0%} of the selected requests, {row['others']:.0%} of "
        f"the others (difference 95 % {row['low']:.0%} to {row['high']:.0%}, n = {row['blocks']} blocks)."
        for row in certain.head(limit).to_dict("records")
    ]
