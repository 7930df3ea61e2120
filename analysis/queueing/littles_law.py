"""Little's law: the mean number of requests in each part of a run, from their rate and their mean time there.

    L = λ W     L: mean number of requests present; λ: arrivals a second; W: mean time of a request there, s

It holds for a whole system and for each of its parts, in any order of service and with any distribution, and exactly
over a time at whose ends no request is present (Little 1961). Here that is the time from the first send to the last
response of the measured requests.
"""

import pandas as pd

from workbench.aggregates import SPLIT
from workbench.recording import Run
from workbench.request_schema import MEASURE


def requests_present(run: Run) -> pd.Series:
    """L by part (`queue`, `pool`, `db` …) and for `all` parts together, with λ (`arrivals_rps`) and W (`latency_ms`).

    NaN for a part that was not reported; empty where nothing was measured.
    """
    if run.totals is None:
        return pd.Series(dtype=float)
    sums = ", ".join(f"sum({part}_sum) / 1000 AS {part}_ms" for part in SPLIT)  # failed requests are present too
    sql = f"SELECT {sums} FROM cells WHERE phase = '{MEASURE}'"
    totals_ms = run.rows.answer(sql, cells=run.rows.cells).iloc[0].astype(float)
    rate_rps = run.totals["requests"] / run.totals["makespan_s"]
    parts = (totals_ms / (1000 * run.totals["makespan_s"])).rename(lambda name: name.removesuffix("_ms"))
    mean_ms = run.totals["all_mean_ms"]
    whole = pd.Series({"arrivals_rps": rate_rps, "latency_ms": mean_ms, "all": rate_rps * mean_ms / 1000})
    return pd.concat([whole, parts])
