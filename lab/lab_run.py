"""A run in the lab: its requests, where their time went, its pool and its database."""

from collections.abc import Sequence
from functools import cached_property

from workbench.recording import Run

from . import plans_view, readings_over_time, time_shares
from .heat_map import heat_map
from .lab_requests import LabRequests
from .microscope import Microscope
from .plans_view import PlansView
from .run_loss import or_loss
from .shown import Shown, SummaryView
from .timeline_view import TimelineView


class LabRun(SummaryView):
    """A recorded run.

        run = exp.run("tuned", "burst-50", block=1)
        run.timeline()                     # its requests, to brush
        run.requests.slowest("login", 10)
        run.split(quantile=(.90, .99))     # where the time of the tail went
        run.over_time(); run.pool(); run.waits(); run.statements(); run.plans()

    `recorded` is the run as the analysis reads it, `siblings` the runs of the same arm, itself included.
    """

    def __init__(self, recorded: Run, siblings: Sequence[Run] = ()):
        self.recorded = recorded
        self.siblings = tuple(siblings) or (recorded,)

    @cached_property
    def requests(self) -> LabRequests:
        """Its requests."""
        return LabRequests(self.recorded)

    def timeline(self, colour: str = "endpoint") -> TimelineView:
        """Its requests by start and latency, to brush; coloured by one of `timeline_view.COLOURS`."""
        return TimelineView(self.recorded, self.siblings, colour)

    def microscope(self, user: int, sequence: int) -> Microscope:
        """What one request waited for, and which requests held its worker meanwhile.

        Raises `RecordingError` where the run has no such request.
        """
        return Microscope(self.recorded, user, sequence)

    def split(self, quantile: tuple[float, float] = (0.90, 0.99), endpoint: str = "") -> Shown:
        """Where the time of the requests between two quantiles of latency went, beside that of all requests."""
        return or_loss(self.recorded, lambda: time_shares.split(self.recorded, quantile, endpoint))

    def over_time(self, interval_s: float | None = None) -> Shown:
        """Percentiles of latency, connections in use and CPU over time, on one axis.

        A longer interval has more requests, so that p99 is known: `run.over_time(interval_s=2)`. Raises `UserError`
        for an interval that is not above 0, or of which the run has more than 1,000.
        """
        return or_loss(self.recorded, lambda: readings_over_time.over_time(self.recorded, interval_s))

    def heat_map(self) -> Shown:
        """Latency over time as a heat map, with connections in use and CPU below it."""
        return or_loss(self.recorded, lambda: heat_map(self.recorded))

    def pool(self) -> Shown:
        """The connections of its workers' pools over time: in use, idle, and callers that waited."""
        return or_loss(self.recorded, lambda: readings_over_time.pool(self.recorded))

    def waits(self) -> Shown:
        """What the active sessions of the database waited for."""
        return or_loss(self.recorded, lambda: readings_over_time.waits(self.recorded))

    def statements(self, number: int = 10) -> Shown:
        """The statements on which the database spent the most time."""
        return or_loss(self.recorded, lambda: readings_over_time.statements(self.recorded, number))

    def plans(self) -> PlansView | Shown:
        """The plans of the statements on which the database spent the most time."""
        return or_loss(self.recorded, lambda: plans_view.plans(self.recorded))

    @property
    def _summary(self) -> Shown:
        return or_loss(self.recorded, lambda: Shown(self.recorded.summary(), self.recorded.overview()))
