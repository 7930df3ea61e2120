"""Little's law: how many requests are where, from how many come and how long they stay.

L = λW holds for any system and each part of it, whatever the order and the distributions, and exactly over a time at
whose ends nobody is there (Little 1961). Here it is the time of a run's measured requests, from the first send to the
last answer.
"""

import pandas as pd

from workbench.aggregates import SPLIT
from workbench.recording import Run


def present(run: Run) -> pd.Series:
    """The mean number of requests in each part of their way (`queue`, `pool`, `db` …), `all` of them, and the λ and W
    behind that: `arrivals_rps`, `latency_ms`. NaN for a part that nobody told; empty where nothing was measured."""
    if run.totals is None:
        return pd.Series(dtype=float)
    of = run.by_endpoint
    spent_ms = of[[f"{part}_ms" for part in SPLIT]].multiply(of["requests"], axis=0).sum(min_count=1)
    rate = run.totals["requests"] / run.totals["makespan_s"]
    parts = (spent_ms / (1000 * run.totals["makespan_s"])).rename(lambda name: name.removesuffix("_ms"))
    mean_ms = run.totals["mean_ms"]
    return pd.concat([pd.Series({"arrivals_rps": rate, "latency_ms": mean_ms, "all": rate * mean_ms / 1000}), parts])
