"""What each server makes of the same set-up: a value for each, without a verdict."""

from collections.abc import Iterator

from workbench.arms import BURST_50
from workbench.recording import Experiment

from ..metrics.server_comparison import compared_servers
from .finding import Claim, Finding

KIND = "measurement"
TEXTS = {
    "cpu_ms": "{:.2f} ms of CPU a request",
    "reads_p95_ms": "p95 of reads {:,.1f} ms",
    "memory_mib": "{:,.0f} MiB",
    "busiest_worker": "busiest worker {:.0%} of the requests",
}


def findings(experiment: Experiment) -> Iterator[Finding]:
    """One finding a server; the effect is the duration (s) of 50 users at once."""
    for deployment, row in compared_servers(experiment).iterrows():
        claim = Claim(
            experiment, KIND, f"server-{deployment}", f"{deployment} served by {row['server']} under {BURST_50}"
        )
        values = [text.format(row[name]) for name, text in TEXTS.items() if row[name] is not None]
        if row["sustained_rps"]:
            values.append(f"sustains {row['sustained_rps']} requests/s")
        runs = experiment.find(str(deployment), BURST_50)
        yield claim.reported("; ".join([f"{row['duration_s']:.3g} s", *values]), runs, effect=row["duration_s"])
