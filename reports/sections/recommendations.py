"""The published recommendations and next steps, beside the deployments that were run."""

from collections.abc import Iterator

from analysis.findings import published_report
from analysis.metrics import arm_metrics
from workbench.arms import ADVISED, BASELINE, BURST_50

from ..markup import Html
from ..tables import table
from .comparison import (
    Cell,
    Measure,
    MetricRow,
    Report,
    comparison,
    connections_allowed,
    first_run,
    join,
    settings_of,
)

CONFIGURATIONS = {"current configuration": BASELINE, "recommended configuration": ADVISED}
ENVIRONMENT = "Replit deployed"


def recommendations(report: Report) -> Html:
    """The published recommendations, and the configuration recommended for Replit as reproduced and tuned."""
    advice = published_report.load("recommendations")
    measured = {
        subject: deployment for subject, deployment in CONFIGURATIONS.items() if report.experiment.runs_of(deployment)
    }
    advice["measured here as"] = advice["subject"].map(measured)
    metrics = [*_settings(report), *_measurements(report)]
    return join(
        comparison("The configuration recommended for Replit", metrics), table(advice, "Published recommendations")
    )


def _settings(report: Report) -> Iterator[MetricRow]:
    workers = dict(published_report.load("workers").set_index("environment").loc[ENVIRONMENT])
    connections = published_report.load("pool").set_index("profile")["total"]["local"]
    storage = published_report.load("sessions")["storage"].iloc[0]

    def setting(name: str) -> Measure:
        return lambda deployment: settings_of(report, deployment).get(name)

    def allowed(deployment: str) -> Cell:
        return connections_allowed(report, deployment)

    yield MetricRow("workers", int(workers["workers"]), setting("workers"))
    yield MetricRow("kind of worker (standard is sync)", workers["kind"], setting("server"))
    yield MetricRow("threads of a worker", None, setting("threads"))
    yield MetricRow("connections at most", int(connections), allowed)
    yield MetricRow("sessions", storage, setting("sessions"))


def _measurements(report: Report) -> Iterator[MetricRow]:
    def peak_memory_mib(deployment: str) -> Cell:
        run = first_run(report, deployment, BURST_50)
        memory_bytes = None if run is None else arm_metrics.peak_memory_bytes(run)
        return memory_bytes / 2**20 if memory_bytes else None

    def duration_s(users: int) -> Measure:
        return lambda deployment: arm_metrics.duration_s(report.experiment, deployment, f"burst-{users}")

    yield MetricRow("peak memory of the server (MiB, PSS)", None, peak_memory_mib)
    totals = published_report.load("totals")
    for users, published_s in zip(totals["users"], totals["duration_s"], strict=True):
        yield MetricRow(f"{users} users at once (s)", published_s, duration_s(users), "{:.2f}")


def next_steps(report: Report) -> Html:
    """The published next steps."""
    return table(published_report.load("next_steps"), "Published next steps")
