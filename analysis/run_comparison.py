"""Two runs side by side, the second over the first: requests, failures and latencies by endpoint."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from workbench import display
from workbench.recording import Run

from .metrics import arm_metrics

DIGITS = 3


def endpoint_table(first: Run, second: Run) -> pd.DataFrame:
    """Return a row for each endpoint: of both runs (A, B) requests, failures and mean time, and the ratio `B/A`.

    Times are ms, of the successful responses: latency, of open load the response time. One that reaches into dropped
    arrivals is shown as `> x`, and has no ratio.
    """
    column = "response_mean_ms" if first.is_open else "mean_ms"
    sides = {letter: run.by_endpoint.set_index("endpoint") for letter, run in (("A", first), ("B", second))}
    table = pd.DataFrame(index=sides["A"].index.union(sides["B"].index))
    for letter, side in sides.items():
        counts = side[["requests", "failures"]].reindex(table.index).fillna(0).astype(int)
        table[[f"{letter} requests", f"{letter} failures"]] = counts
        table[f"{letter} {column}"] = _shown(side, column).reindex(table.index)
    means = [side[column].replace(np.inf, np.nan) for side in sides.values()]
    table["B/A"] = (means[1] / means[0]).reindex(table.index).round(DIGITS)
    return table


def _shown(side: pd.DataFrame, column: str) -> pd.Series:
    """The column, rounded; as text where a value is infinity."""
    if not np.isinf(side[column]).any():
        return side[column].round(DIGITS)
    bounds = side[display.bound_of(column)]
    texts = [display.bounded_text(*pair, DIGITS) for pair in zip(side[column], bounds, strict=True)]
    return pd.Series(texts, index=side.index)


def failure_lines(first: Run, second: Run) -> Iterator[str]:
    """Yield the failures of each run by kind, and whether the second has the larger share of them."""
    shares = []
    for letter, run in (("A", first), ("B", second)):
        totals = arm_metrics.measured_totals(run)
        omitted = int(totals["omitted"])
        shares.append((totals["failures"] + omitted) / (totals["requests"] + omitted))
        if totals["failures"]:
            yield f"{letter}: {totals['failures']} of {totals['requests']} requests failed: {totals['failure_kinds']}"
    if shares[1] > shares[0]:
        yield "a larger share of the requests failed or was dropped in B: a smaller ratio is no improvement"


def makespan_ratio(first: Run, second: Run) -> float:
    """Return the makespan of the second run over that of the first."""
    return arm_metrics.makespan_s(second) / arm_metrics.makespan_s(first)
