"""The servers of the tuned set-up side by side."""

import pandas as pd

from analysis.metrics.server_comparison import compared_servers

from ..markup import Html
from ..tables import Quantity, table
from .comparison import OF_SUCCESSES, Report, percent
from .names import set_up

# What a client holds up that sends half a request body; `tests/reference_app` has a test of each.
SLOW_BODIES = {
    "sync": "its worker, until the deadline of the body",
    "gthread": "one thread, until the deadline of the body",
    "gevent": "one greenlet, until the deadline of the body",
    "uvicorn": "one task, until the deadline of the body",
    "granian": "one thread, until it sends the rest or closes",
}
DRIVERS = {"psycopg3": "psycopg 3"}  # named where it is not the usual one


def servers(report: Report) -> Html:
    """Cost, latency, memory and fairness of each server, and what a slow client does to it; empty for one server."""
    compared = compared_servers(report.experiment)
    if compared.empty:
        return Html("")
    rows = [
        {
            "set-up": set_up(str(name)),
            "server": " with ".join(filter(None, (row["server"], DRIVERS.get(row["driver"])))),
            "CPU a request (ms)": Quantity.optional(row["cpu_ms"], "{:.2f}"),
            "50 users at once (s)": Quantity.optional(row["duration_s"], "{:.2f}"),
            "reads p95 (ms)": Quantity.optional(row["reads_p95_ms"], "{:,.0f}"),
            "sustains (requests/s)": str(row["sustained_rps"] or ""),
            "peak memory (MiB, PSS)": Quantity.optional(row["memory_mib"], "{:,.0f}"),
            "busiest worker": percent(row["busiest_worker"]),
            "a slow body holds up": SLOW_BODIES.get(row["server"], ""),
            "runs": row["runs"],
        }
        for name, row in compared.iterrows()
    ]
    note = (
        f"{OF_SUCCESSES} 50 users at once; a search with runs of its own finds the open load that a server sustains. "
        "CPU is of the workers, hashes included. The busiest worker is the one with the largest share of a run's "
        "requests. With gthread alone a worker leaves new connections to one that has fewer, and keeps to a core."
    )
    return table(pd.DataFrame(rows, dtype=object), "The tuned set-up by server", note=note)
