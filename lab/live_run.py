"""A run while it goes on: percentiles, throughput, requests in flight, pool use and errors by second."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from loadgen.background import Measurement
from loadgen.run_progress import RunProgress
from loadgen.run_seconds import MAX_SECONDS, Second
from loadgen.run_view import faults, heading, kinds, totals
from workbench.errors import RecordingError

from . import live_chart
from .lab_run import LabRun
from .live_view import LiveView
from .opening import open_run

COLUMNS = list(Second._fields)
POOL_LATE_S = 3  # after which a pool that is read has values


class LiveRun(LiveView):
    """A run of one deployment under one scenario that goes on beside the kernel.

        live = start_run("tuned", "sustained-100")
        live           # follows the run; show it again after a reload
        live.stop()    # what the button does
        live.recorded  # the run, once it has ended

    `table` has a row for each second. `measurement` is the process of the run; None for a run of an experiment.
    """

    def __init__(self, directory: Path, measurement: Measurement | None = None):
        super().__init__()
        self.directory = directory
        self._progress = RunProgress(directory)
        self._measurement = measurement
        self._button = ipywidgets.Button(description="Stop this run", icon="stop")
        self._button.on_click(lambda _: self.stop())

    @property
    def is_going(self) -> bool:
        """True until the run has ended."""
        return self._measurement.is_going if self._measurement else self._progress.is_going

    @property
    def sentences(self) -> Sequence[str]:
        """What runs, how far it is, the failures, and what is missing."""
        problem = self._measurement.problem() if self._measurement else ""
        if problem:
            return [f"The run did not complete: {problem}"]
        ended = [] if self.is_going else [self._outcome()]
        lacking = ["The pool of what is under load is not read."] if self._lacks_pool() else []
        first = f"{heading(self._progress)}; {totals(self._progress)}"
        times = f"Percentiles of each second are of the {self._progress.time_name} of its successful responses."
        happened = [*faults(self._progress), *kinds(self._progress)]
        return [first, *happened, *ended, times, *lacking, *self._progress.notes()]

    @property
    def table(self) -> pd.DataFrame:
        """A row for each second."""
        return pd.DataFrame(self._progress.seconds(MAX_SECONDS), columns=COLUMNS)

    @property
    def recorded(self) -> LabRun:
        """The run, once it has ended. Raises `RecordingError` before."""
        if self.is_going:
            raise RecordingError("the run goes on; .recorded opens it once it has ended")
        return open_run(self.directory)

    def move_to(self, directory: Path) -> None:
        """Show another run in the same figure, the next one of an experiment."""
        self._progress.close()
        self.directory, self._progress = directory, RunProgress(directory)

    def stop(self) -> None:
        """End the run: it is aborted, and what was recorded until then can be read."""
        if self._measurement:
            self._measurement.stop()
        self._button.disabled = True

    def look(self) -> None:
        """Read what the run has appended to its files."""
        self._progress.poll()

    def draw(self) -> None:
        """Show the seconds."""
        super().draw()
        seconds = self._progress.whole_seconds(live_chart.SHOWN_SECONDS)
        live_chart.update(self.figure, seconds, self._progress.faults)
        if not self.is_going:
            self._button.disabled = True

    @cached_property
    def figure(self) -> go.FigureWidget:
        """The chart."""
        return live_chart.chart()

    @property
    def parts(self) -> Sequence[ipywidgets.Widget]:
        """The button of a run of its own, and the chart."""
        return [*([self._button] if self._measurement else []), self.figure]

    def _lacks_pool(self) -> bool:
        seconds = self._progress.seconds(live_chart.SHOWN_SECONDS)
        return self.is_going and len(seconds) > POOL_LATE_S and all(each.pool_in_use is None for each in seconds)

    def _outcome(self) -> str:
        """How the run ended, and whether it is valid."""
        record = self._progress.record
        if record.get("valid"):
            return "It is valid." if self._progress.problem else "It is valid; .recorded opens it."
        if not record:
            return "It ended before it had begun."
        reasons = "; ".join(record.get("reasons") or [])
        return f"It is not valid: {reasons or 'it was cut off, without a last record'}"
