"""A change in the lab: one deployment in the place of another, and where the time of a request went."""

import math

import pandas as pd
import plotly.graph_objects as go

from analysis import waterfall
from analysis.ablation import duration_effect
from analysis.request_holders import served_at_once
from analysis.waterfall import LATENCY, PartChange
from workbench.aggregates import SPLIT
from workbench.endpoints import PUBLISHED
from workbench.errors import RecordingError
from workbench.recording import Experiment, arm

from . import plot_style, texts
from .shown import Shown, SummaryView

QUEUE = "queue"
MIN_SHARE, MAX_PARTS = 0.05, 3  # of the parts of a change that have a sentence: their share, and their number
BAR_PX, MARGIN_PX = 26, 110


class LabChange(SummaryView):
    """One deployment in the place of another under one scenario.

    change = exp.change("as-measured", "tuned")
    change.why()         # all requests
    change.why("login")  # one endpoint
    """

    def __init__(self, experiment: Experiment, before: str, after: str, scenario: str):
        self.experiment, self.before, self.after, self.scenario = experiment, before, after, scenario

    def why(self, endpoint: str = "") -> Shown:
        """The waterfall from the mean latency before to the one after, part by part, with intervals.

        Raises `RecordingError` for an endpoint that neither side has.
        """
        endpoints = [endpoint] if endpoint else self._endpoints()
        if endpoint:
            self._require_endpoint(endpoint)
        parts = waterfall.waterfall(self.experiment, self.before, self.after, self.scenario, endpoints)
        table = pd.DataFrame([part._asdict() for part in parts.values()], columns=list(PartChange._fields))
        if not parts:
            return Shown([self._missing(endpoint)], table)
        return Shown(list(self._sentences(parts, endpoint)), table, self._figure(parts))

    @property
    def _summary(self) -> Shown:
        why = self.why()
        return Shown([self._duration(), *why.sentences], why.table, why.figure)

    def _duration(self) -> str:
        effect = duration_effect(self.experiment, self.before, self.after, self.scenario)
        shown = f"{self.after} in the place of {self.before} under {self.scenario}"
        if effect is None:
            return f"{shown}: no duration to compare"
        interval = f"95 % {effect.low:.3g} to {effect.high:.3g}" if effect.interval else "no interval"
        blocks = texts.counted(effect.blocks, "block")
        return f"{shown}: duration × {effect.ratio:.3g} ({interval}, n = {blocks})"

    def _known(self) -> set[str]:
        """The endpoints of both sides."""
        rows = self.experiment.by_endpoint
        return {name for side in (self.before, self.after) for name in arm(rows, side, self.scenario)["endpoint"]}

    def _endpoints(self) -> list[str]:
        """Those of a pass of the published report, or all of an application that has none of them."""
        known = self._known()
        return [name for name in PUBLISHED if name in known] or sorted(known)

    def _require_endpoint(self, endpoint: str) -> None:
        if endpoint not in (known := self._known()):
            names = ", ".join(sorted(known))
            raise RecordingError(f"no run of the two has requests to {endpoint!r}; there are {names or 'none'}")

    def _missing(self, endpoint: str) -> str:
        of = f" to {endpoint}" if endpoint else ""
        return (
            f"No waterfall of the requests{of}: {self.before} and {self.after} share no block under {self.scenario} in "
            "which every part of the time was measured."
        )

    def _sentences(self, parts: dict[str, PartChange], endpoint: str) -> list[str]:
        total = parts[LATENCY]
        subject = endpoint or "a request"
        first = (
            f"Under {self.scenario} {subject} took {texts.milliseconds(total.before_ms)} on {self.before} and "
            f"{texts.milliseconds(total.after_ms)} on {self.after}: {texts.more_or_less(total.change_ms)}"
            f"{_interval(total)}."
        )
        largest = sorted((parts[name] for name in SPLIT), key=lambda part: -abs(part.change_ms))
        causes = [
            f"{part.part}: {texts.more_or_less(part.change_ms)}{_interval(part)}."
            for part in largest[:MAX_PARTS]
            if abs(part.change_ms) >= MIN_SHARE * abs(total.change_ms)
        ]
        return [
            first,
            *causes,
            *self._queue(parts[QUEUE], total),
            "Means over successful requests, paired by block; percentiles do not add up.",
        ]

    def _queue(self, queue: PartChange, total: PartChange) -> list[str]:
        """Why requests wait on the first deployment, where most of their time is queue."""
        runs = self.experiment.find(self.before, self.scenario)
        at_once = served_at_once(runs[0]) if runs else None
        if queue.before_ms < total.before_ms / 2 or at_once is None:
            return []
        workers = int(runs[0].record["deployment"]["settings"]["workers"])
        rows = arm(self.experiment.by_endpoint, self.before, self.scenario)
        spent_ms = (rows["app_ms"] * rows["successful"]).groupby(rows["endpoint"]).sum()
        app_ms = (spent_ms / rows.groupby("endpoint")["successful"].sum()).nlargest(MAX_PARTS)
        serves = f"{texts.counted(workers, 'worker')} {'serve' if workers > 1 else 'serves'}"
        at_a_time = f"{texts.counted(at_once, 'request')} at a time{' each' if workers > 1 else ''}"
        takes = ", ".join(f"a {name} {texts.milliseconds(float(ms))}" for name, ms in app_ms.items())
        first = f"On {self.before} queue is {texts.milliseconds(queue.before_ms)} of it"
        return [f"{first}: {serves} {at_a_time}, {takes} on average, and the others wait."]

    def _figure(self, parts: dict[str, PartChange]) -> go.Figure:
        steps = [part for name, part in parts.items() if name != LATENCY]
        total = parts[LATENCY]
        made = plot_style.figure(height_px=MARGIN_PX + BAR_PX * (len(steps) + 2), showlegend=False)
        ends_ms = _ends_ms([part.change_ms for part in steps], total.before_ms)
        _bar(made, self.before, total.before_ms, 0, plot_style.colour_of(self.before, 0))
        for part, end_ms in zip(steps, ends_ms, strict=True):
            colour = plot_style.colour_of("improvement" if part.change_ms < 0 else "regression", 0)
            _bar(made, part.part, part.change_ms, end_ms - part.change_ms, colour, _half_width_ms(part), is_change=True)
        _bar(made, self.after, total.after_ms, 0, plot_style.colour_of(self.after, 1))
        made.update_yaxes(autorange="reversed")
        made.update_xaxes(title="mean time of a request (ms)", rangemode="tozero")
        return made


def _bar(
    made: go.Figure,
    name: str,
    value_ms: float,
    base_ms: float,
    colour: str,
    error_ms: float = 0,
    *,
    is_change: bool = False,
) -> None:
    sign = "+" if is_change and value_ms > 0 else ""
    error = {
        "type": "data",
        "array": [error_ms],
        "color": plot_style.NEUTRAL,
        "thickness": 1.5,
        "visible": error_ms > 0,
    }
    made.add_trace(
        go.Bar(
            x=[value_ms], y=[f"{name}  {sign}{texts.milliseconds(value_ms)}"], base=[base_ms], orientation="h",
            marker={"color": colour}, error_x=error, hovertemplate=f"{name}: %{{x:.3f}} ms<extra></extra>",
        )
    )  # fmt: skip


def _interval(part: PartChange) -> str:
    if part.interval is None:
        return f" (no interval: {texts.counted(part.blocks, 'block')})"
    return f" (95 % {texts.interval_ms(*part.interval)}, n = {texts.counted(part.blocks, 'block')})"


def _half_width_ms(part: PartChange) -> float:
    return 0.0 if math.isnan(part.high_ms) else part.high_ms - part.change_ms


def _ends_ms(changes_ms: list[float], before_ms: float) -> list[float]:
    """Where each step of the waterfall ends."""
    ends, at = [], before_ms
    for change in changes_ms:
        at += change
        ends.append(at)
    return ends
