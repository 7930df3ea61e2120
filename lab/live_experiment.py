"""An experiment while it goes on: a board of its runs, intervals that shrink, and the run of now."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from analysis.experiment_looks import looks_of
from analysis.running_effects import RunningEffect
from loadgen import stop_request
from loadgen.background import INTERVAL_S, Measurement
from workbench import looks
from workbench.errors import RecordingError

from . import plot_style, texts
from .lab_experiment import LabExperiment
from .live_board import Board
from .live_run import LiveRun
from .live_view import LiveView
from .opening import open_experiment

RUNS_AT_ONCE = 1  # that are read between two cells: each takes some tens of milliseconds
ROW_PX, MARGIN_PX, MAX_EFFECTS = 26, 120, 24
MAX_KINDS = 3  # of reasons in a sentence
COLOUR = plot_style.colour_of("", 0)
RUN_HINT = "The run of now ends, is not valid, and is not repeated; the experiment goes on."
AFTER_HINT = "The experiment ends when all runs of this block have ended; it can be resumed."
NOW_HINT = "The experiment ends now; it can be resumed, and repeats the run of now."
REPEATED = "Intervals are repeated confidence intervals: they may be looked at after every look."


class LiveExperiment(LiveView):
    """An experiment that goes on beside the kernel.

        live = start_experiment("quick")
        live                          # follows it; show it again after a reload
        live.stop_run()               # what the buttons do
        live.stop_after_block()
        live.stop()
        live.effects                  # the intervals of now
        await live.completed()        # waits for the end, and gives the id; the buttons answer meanwhile
        live.recorded                 # the experiment, once it has ended

    `table` has a row for each planned run.
    """

    def __init__(self, directory: Path, measurement: Measurement):
        super().__init__()
        self.name = directory.name
        self._board = Board(directory)
        self._measurement = measurement
        self._run: LiveRun | None = None
        self._stopped_run: Path | None = None  # the run that was last asked to stop
        self._stops_after_block = False
        self._drawn: tuple[int, Path | None] = (-1, None)  # runs that had ended, and the one that went on
        self._board_html = ipywidgets.HTML(layout={"overflow": "auto", "max_width": "100%"})
        self._effects_box, self._run_box = ipywidgets.VBox([]), ipywidgets.VBox([])
        self._stop_run = _button("Stop this run", "eject", RUN_HINT, self.stop_run)
        self._stop_after = _button("Stop after this block", "step-forward", AFTER_HINT, self.stop_after_block)
        self._stop = _button("Stop now", "stop", NOW_HINT, self.stop)

    @property
    def is_going(self) -> bool:
        """True until the experiment has ended."""
        return self._measurement.is_going

    @property
    def sentences(self) -> Sequence[str]:
        """How far it is, what is not valid, when it is looked at next, and why it ended."""
        if problem := self._measurement.problem():
            return [f"Experiment {self.name} did not complete: {problem}", *self._gone(), *self._resume()]
        if not self._board.entries:
            printed = self._measurement.lines()
            return [f"Experiment {self.name}: preparing", *printed[-1:]]
        now = [self._progress(), *self._gone(), *self._requested()]
        return [*now, *self._invalid(), *self._looks(), *self._end()]

    @property
    def table(self) -> pd.DataFrame:
        """A row for each planned run: its arm, block and state, its p95, and why it is not valid."""
        return self._board.table

    @property
    def effects(self) -> pd.DataFrame:
        """A row for each primary comparison so far; without an interval below four blocks."""
        return pd.DataFrame(self._board.effects, columns=list(RunningEffect._fields))

    @property
    def recorded(self) -> LabExperiment:
        """The experiment, once it has ended. Raises `RecordingError` before."""
        if self.is_going:
            raise RecordingError("the experiment goes on; .recorded opens it once it has ended")
        return open_experiment(self._board.directory)

    async def completed(self) -> str:
        """Wait until it is complete; print what the command prints, and return the id.

        Views and buttons answer meanwhile, and interrupting the cell ends the wait alone. Raises `RuntimeError` with
        the error of the command, and `KeyboardInterrupt` where it was stopped.
        """
        try:
            while self._measurement.print_new_lines():
                await asyncio.sleep(INTERVAL_S)
        except asyncio.CancelledError:
            raise KeyboardInterrupt("this cell waits no longer; the measurement goes on") from None
        self._measurement.result()
        return self.name

    def finish(self) -> str:
        """Wait until it is complete, as `completed` does, and block meanwhile: buttons do not answer.

        Interrupting it ends the measurement.
        """
        try:
            while self._measurement.print_new_lines():
                self.refresh()
                time.sleep(INTERVAL_S)
        except KeyboardInterrupt:
            self._measurement.close()
            raise
        self.refresh()
        self._measurement.result()
        return self.name

    def stop(self) -> None:
        """End the run of now, and the experiment with it; it can be resumed."""
        self._measurement.stop()
        self._stop.disabled = self._stop_after.disabled = self._stop_run.disabled = True

    def stop_run(self) -> None:
        """End the run of now: it is not valid, and not repeated. The experiment goes on with the next one."""
        if self._board.going is not None and self.is_going:
            stop_request.ask_run(self._board.going)
            self._stopped_run = self._board.going
        self._stop_run.disabled = True

    def stop_after_block(self) -> None:
        """End the experiment when the runs of this block have ended; it can be resumed."""
        if self.is_going:
            stop_request.ask(self._board.directory)
            self._stops_after_block = True
        self._stop_after.disabled = True

    def look(self) -> None:
        """Read the runs that have ended, and what the run of now has appended to its files."""
        self._board.look(RUNS_AT_ONCE if self.is_going else None)
        going = self._board.going
        if going is not None and self._run is None:
            self._run = LiveRun(going)
        elif going is not None and self._run is not None and self._run.directory != going:
            self._run.move_to(going)
        if self._run is not None:
            self._run.look()

    def draw(self) -> None:
        """Show the board, the intervals and the run of now."""
        super().draw()
        if self._drawn != (state := (self._board.ended, self._board.going)):
            self._drawn = state
            self._board_html.value = self._board.html()
            self._draw_effects()
        self._draw_buttons()
        if self._run is None:
            return
        if self._run_box.children != (self._run.widget,):
            self._run_box.children = (self._run.widget,)
        self._run.draw()

    @cached_property
    def figure(self) -> go.FigureWidget:
        """The intervals of now, one for each primary comparison."""
        made = plot_style.figure(height_px=MARGIN_PX)
        made.add_vline(1, line={"color": plot_style.NEUTRAL, "width": 1})
        made.add_trace(go.Scatter(x=[], y=[], mode="markers", marker={"size": 9, "color": COLOUR}, showlegend=False))
        made.update_xaxes(plot_style.log_axis("primary metric: the arm / its baseline, so far"))
        made.update_yaxes(autorange="reversed")
        widget = plot_style.interactive(made)
        widget._config = {**plot_style.CONFIGURATION, "displayModeBar": False}  # it has no room beside it
        return widget

    @property
    def parts(self) -> Sequence[ipywidgets.Widget]:
        """Buttons, board, intervals, and the run of now."""
        buttons = ipywidgets.HBox([self._stop_run, self._stop_after, self._stop])
        return [buttons, self._board_html, self._effects_box, self._run_box]

    def _draw_buttons(self) -> None:
        going = self._board.going
        self._stop_run.disabled = not self.is_going or going is None or going == self._stopped_run
        if not self.is_going:
            self._stop.disabled = self._stop_after.disabled = True

    def _draw_effects(self) -> None:
        shown = self._board.effects[:MAX_EFFECTS]
        if not shown:
            return
        self._effects_box.children = (self.figure,)
        labels = [f"{each.after} / {each.before}, {each.scenario}: {each.metric}" for each in shown]
        with self.figure.batch_update():
            self.figure.layout.height = MARGIN_PX + ROW_PX * len(shown)
            trace = self.figure.data[0]
            trace.x, trace.y = [each.ratio for each in shown], labels
            trace.error_x = {
                "type": "data",
                "symmetric": False,
                "array": [(each.high or each.ratio) - each.ratio for each in shown],
                "arrayminus": [each.ratio - (each.low or each.ratio) for each in shown],
            }

    def _progress(self) -> str:
        board = self._board
        left = f", about {_minutes(board.left_s)} left" if self.is_going else ""
        return f"Experiment {self.name}: {board.ended} of {len(board.entries)} runs have ended{left}"

    def _requested(self) -> list[str]:
        """What was requested and has not happened yet."""
        if not self.is_going:
            return []
        going = self._board.going
        run = [f"{going.name} is being stopped."] if going is not None and going == self._stopped_run else []
        return [*run, *(["It ends after this block."] if self._stops_after_block else [])]

    def _invalid(self) -> list[str]:
        reasons = self._board.invalid
        if not reasons:
            return []
        kinds = [kind for kind, _ in Counter(reason.partition(":")[0] for reason in reasons).most_common()]
        more = ", …" if len(kinds) > MAX_KINDS else ""
        return [f"{texts.counted(len(reasons), 'run')} not valid (○): {'; '.join(kinds[:MAX_KINDS])}{more}"]

    def _looks(self) -> list[str]:
        record, ended = self._board.record, self._board.blocks_ended
        if not self._board.effects:
            return []
        after = looks_of(record).after(ended)
        if looks.fixed(record) and self.is_going and after:
            return [f"Blocks are added until everything is decided; the next look is after block {after}.", REPEATED]
        return [REPEATED]

    def _end(self) -> list[str]:
        if self.is_going:
            return []
        if self._board.is_complete:
            return ["It is complete."] if self._board.is_gone else ["It is complete; .recorded opens it."]
        return ["It was stopped.", *self._resume()]

    def _resume(self) -> list[str]:
        return [f'It can be resumed: start_experiment(experiment="{self.name}")'] if self._can_resume else []

    @property
    def _can_resume(self) -> bool:
        return bool(self._board.entries) and not self._board.is_gone

    def _gone(self) -> list[str]:
        return [f"Its folder {self._board.directory} is gone, with what was recorded."] if self._board.is_gone else []


def _button(description: str, icon: str, hint: str, press: Callable[[], None]) -> ipywidgets.Button:
    button = ipywidgets.Button(description=description, icon=icon, tooltip=hint, layout={"width": "auto"})
    button.on_click(lambda _: press())
    return button


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
