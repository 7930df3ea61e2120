"""The configuration that the published report recommends for Replit, beside the set-ups that were run."""

from collections.abc import Iterator

from analysis.findings import published_report
from analysis.metrics import arm_estimates
from workbench.arms import BURST_50

from ..markup import Html
from .comparison import Cell, Measure, MetricRow, Report, burst_seconds, comparison, connections_allowed, settings_of

ENVIRONMENT = "Replit deployed"


def recommendations(report: Report) -> Html:
    """The configuration recommended for Replit: published, run here, and tuned."""
    return comparison("The configuration recommended for Replit", [*_settings(report), *_measurements(report)])


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
        return report.measured(f"memory_mib-{BURST_50}-{deployment}")

    def duration_s(users: int) -> Measure:
        return lambda deployment: burst_seconds(
            arm_estimates.duration_s(report.experiment, deployment, f"burst-{users}")
        )

    yield MetricRow("peak memory of the server (MiB, PSS)", None, peak_memory_mib)
    totals = published_report.load("totals")
    for users, published_s in zip(totals["users"], totals["duration_s"], strict=True):
        yield MetricRow(f"{users} users at once (s)", published_s, duration_s(users), "{:.2f}")
