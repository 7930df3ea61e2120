"""One request in detail: what it waited for, who held its worker meanwhile, and what the database did."""

from functools import cached_property
from typing import Any

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from analysis.request_holders import holders, request_row, served_at_once
from workbench.aggregates import SPLIT
from workbench.errors import RecordingError
from workbench.recording import Run

from . import plot_style, texts
from .shown import Shown, paragraphs, widget_bundle, without_front_end

MAX_LINKS = 12
MAX_NAMED = 3
BAR_PX = 130
US_PER_MS = 1000


class Microscope:
    """One request of a run.

        run.microscope(user=17, sequence=1)

    `request` is its row, `ahead` the requests that held its worker while it waited. Raises `RecordingError` where the
    run has no such request.
    """

    def __init__(self, run: Run, user: int, sequence: int):
        request = request_row(run, int(user), int(sequence))
        if request is None:
            raise RecordingError(f"{run.name} has no request {sequence} of user {user}")
        self._run, self.request = run, request
        self.ahead = holders(run, request)

    @property
    def table(self) -> pd.DataFrame:
        """The requests that held its worker."""
        return self.ahead

    @property
    def sentences(self) -> list[str]:
        """What happened to the request, in the order in which it happened."""
        row = self.request
        outcome = "succeeded" if row["ok"] else f"failed ({row['error']})"
        first = f"{row['endpoint']}, request {row['sequence']} of user {row['user']}, {outcome}"
        took = "" if pd.isna(row["latency_ms"]) else f" after {texts.milliseconds(row['latency_ms'])}"
        return [f"{first}{took}.", *self._sent(), *self._waited(), *self._connection(), *self._readings()]

    def _sent(self) -> list[str]:
        row = self.request
        if pd.isna(row["scheduled_ms"]):
            return []
        late_ms = row["start_ms"] - row["scheduled_ms"]
        due_s, late = row["scheduled_ms"] / 1000, texts.milliseconds(late_ms)
        return [f"It was due {due_s:.3f} s after the start and sent {late} later."]

    def _waited(self) -> list[str]:
        row = self.request
        if pd.isna(row["queue_ms"]):
            return ["The application reported no times (`Server-Timing`), so nothing is known of its wait."]
        if pd.isna(row["worker"]):
            return [f"It waited {texts.milliseconds(row['queue_ms'])} in the queue; its worker was not reported."]
        wait = f"It waited {texts.milliseconds(row['queue_ms'])} for worker {row['worker']:.0f}"
        if self.ahead.empty:
            return [f"{wait}; no recorded request held it meanwhile."]
        return [f"{wait}, which served {self._holders()} meanwhile."]

    def _connection(self) -> list[str]:
        row = self.request
        if row[["worker", "connection"]].isna().any():
            return []
        return [f"It used connection {row['connection']:.0f} of worker {row['worker']:.0f}."]

    def _holders(self) -> str:
        at_once = served_at_once(self._run)
        largest = self.ahead.nlargest(MAX_NAMED, "held_ms")
        named = ", ".join(
            f"{row['endpoint']} of user {row['user']} ({texts.milliseconds(row['held_ms'])})"
            for row in largest.to_dict("records")
        )
        number = texts.counted(len(self.ahead), "request")
        more = ", …" if len(self.ahead) > MAX_NAMED else ""
        if at_once == 1:
            return f"{number}: {named}{more}"
        shared = "greenlets" if at_once is None else f"{at_once} threads"
        return f"{number} in {shared}; the one that held it is one of them: {named}{more}"

    def _readings(self) -> list[str]:
        """The pool and the database's waits as they were read last before the request was served."""
        queue_ms = 0.0 if pd.isna(self.request["queue_ms"]) else self.request["queue_ms"]
        at_us = US_PER_MS * (self.request["start_ms"] + queue_ms)
        database, lines = self._run.database, []
        if (pool := _last(self._run.pool, at_us)) is not None:
            in_use, waiting = int(pool["checked_out"].sum()), int(pool["pending"].sum())
            lines.append(
                f"The pools had {texts.counted(in_use, 'connection')} in use and {texts.counted(waiting, 'caller')} "
                f"waiting, read {_ago(pool, at_us)} before it was served."
            )
        active = database[(database["source"] == "activity") & (database["name"] == "active")]
        if (activity := _last(active, at_us)) is not None:
            waits = ", ".join(f"{row.value:g} × {row.metric}" for row in activity.itertuples())
            lines.append(f"Active sessions of the database {_ago(activity, at_us)} before: {waits} (`none` is CPU).")
        return lines

    @property
    def parts(self) -> pd.DataFrame:
        """Its time by part, in ms; a part that was not measured is left out."""
        values = {part: self.request.get(f"{part}_ms") for part in SPLIT}
        known = {part: value for part, value in values.items() if value is not None and not pd.isna(value)}
        return pd.DataFrame({"part": list(known), "ms": list(known.values())})

    def _figure(self) -> go.Figure:
        made = plot_style.figure(height_px=BAR_PX, barmode="stack")
        for number, row in enumerate(self.parts.itertuples()):
            made.add_trace(
                go.Bar(
                    x=[row.ms], y=["time"], orientation="h", name=row.part,
                    marker={"color": plot_style.colour_of(str(row.part), number)},
                    hovertemplate=f"{row.part}: %{{x:.3f}} ms<extra></extra>",
                )
            )  # fmt: skip
        made.update_xaxes(title="ms since its send")
        made.update_yaxes(showticklabels=False)
        return made

    @cached_property
    def widget(self) -> ipywidgets.VBox:
        """The request, with a button for each request that held its worker."""
        place = ipywidgets.VBox()
        longest = self.ahead.nlargest(MAX_LINKS, "held_ms")
        buttons = [self._link(place, row) for row in longest.itertuples()]
        shown = Shown(self.sentences, self.ahead, self._figure() if len(self.parts) else None)
        links = [ipywidgets.HTML(paragraphs(["Open a request that held its worker"])), ipywidgets.HBox(buttons)]
        links[1].layout.flex_flow = "row wrap"
        place.children = [shown.widget, *(links if buttons else [])]
        return place

    def _link(self, place: ipywidgets.VBox, row: Any) -> ipywidgets.Button:
        button = ipywidgets.Button(description=f"{row.endpoint} {row.user}-{row.sequence}", tooltip="open this request")
        button.on_click(
            lambda _: setattr(place, "children", [Microscope(self._run, int(row.user), int(row.sequence)).widget])
        )
        return button

    def __repr__(self) -> str:
        return "\n".join(self.sentences)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        return {**without_front_end(repr(self), self.sentences, self.ahead), **widget_bundle(self.widget)}


def _last(readings: pd.DataFrame, at_us: float) -> pd.DataFrame | None:
    """The readings of the last instant before `at_us`; None where there is none."""
    before = readings[readings["at_us"] <= at_us]
    return before[before["at_us"] == before["at_us"].max()] if len(before) else None


def _ago(readings: pd.DataFrame, at_us: float) -> str:
    return texts.milliseconds((at_us - float(readings["at_us"].iloc[0])) / US_PER_MS)
