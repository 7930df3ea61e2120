"""One request in detail: what it waited for, what held its worker meanwhile, and what the database did."""

from functools import cached_property

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from analysis import bottleneck
from analysis.request_holders import holders, request_row, served_at_once
from analysis.request_waits import NO_EVENT
from workbench.aggregates import SPLIT
from workbench.errors import RecordingError
from workbench.recording import Run

from . import plot_style, texts
from .request_trail import RequestTrail
from .shown import Shown, View, paragraphs
from .table_view import table_widget

MAX_NAMED, MAX_STATEMENTS = 3, 10
MIN_SHARE = 0.01  # of a part that a sentence names
BAR_PX = 130
US_PER_MS = 1000
EVENTS = {"none": NO_EVENT}
MEANS_OF_RUN = "These are means over the whole run, not times of this request."


class Microscope(View):
    """One request of a run.

        run.microscope(user=17, sequence=1)

    `request` is its row, `ahead` the requests that its worker served while it waited, `statements` those of its run
    with their mean times. Raises `RecordingError` where the run has no such request.
    """

    def __init__(self, run: Run, user: int, sequence: int):
        request = request_row(run, int(user), int(sequence))
        if request is None:
            raise RecordingError(f"{run.name} has no request {sequence} of user {user}")
        self.run, self.request = run, request
        self.ahead = holders(run, request)

    @property
    def table(self) -> pd.DataFrame:
        """The requests that its worker served while it waited; times in ms since the first measured request."""
        times = {name: self.ahead[name] - self._first_ms for name in ("served_from_ms", "served_to_ms")}
        return self.ahead.assign(**times) if len(self.ahead) else self.ahead

    @cached_property
    def statements(self) -> pd.DataFrame:
        """The statements of the run on which the database spent the most time: `statement`, `calls`, `mean_ms`.

        Means over the run; which statements this request sent is not recorded.
        """
        return bottleneck.top_statements(self.run, MAX_STATEMENTS)[["statement", "calls", "mean_ms"]]

    @property
    def sentences(self) -> list[str]:
        """What happened to the request, in the order in which it happened."""
        row = self.request
        outcome = "succeeded" if row["ok"] else f"failed ({row['error']})"
        first = f"{row['endpoint']}, request {row['sequence']} of user {row['user']}, {outcome}"
        took = "" if pd.isna(row["latency_ms"]) else f" after {texts.milliseconds(row['latency_ms'])}"
        return [
            f"{first}{took}.",
            *self._sent(),
            *self._waited(),
            *self._spent(),
            *self._connection(),
            *self._readings(),
            *self._lacking(),
        ]

    def _sent(self) -> list[str]:
        row = self.request
        if pd.isna(row["scheduled_ms"]):
            return []
        late_ms = row["start_ms"] - row["scheduled_ms"]
        due_ms = row["scheduled_ms"] - self._first_ms
        due = f"{texts.milliseconds(abs(due_ms))} {'before' if due_ms < 0 else 'after'}"
        return [f"It was due {due} the first measured request, and sent {texts.milliseconds(late_ms)} later."]

    @cached_property
    def _first_ms(self) -> float:
        """The send of the first measured request, in ms since the run began."""
        first = self.run.rows.query("SELECT min(start_ms) AS first_ms FROM measured")["first_ms"].iloc[0]
        return 0.0 if pd.isna(first) else float(first)

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

    def _spent(self) -> list[str]:
        """Where its time went after the wait, the longest parts first."""
        after = self.parts[(self.parts["part"] != "queue") & (self.parts["ms"] >= MIN_SHARE * self.parts["ms"].sum())]
        longest = after.nlargest(MAX_NAMED, "ms")
        named = ", ".join(f"{texts.milliseconds(row['ms'])} {row['part']}" for row in longest.to_dict("records"))
        return [f"Of its own time: {named}."] if named else []

    def _connection(self) -> list[str]:
        row = self.request
        if row[["worker", "connection"]].isna().any():
            return []
        return [f"It used connection {row['connection']:.0f} of worker {row['worker']:.0f}."]

    def _holders(self) -> str:
        """How many requests its worker served meanwhile, for how long, and which: in the order in which it did."""
        held_ms = self.ahead["held_ms"]
        number = texts.counted(len(self.ahead), "request")
        kinds = ", ".join(f"{count} × {name}" for name, count in self.ahead["endpoint"].value_counts().items())
        first, last = self.ahead.iloc[0], self.ahead.iloc[-1]
        users = f"from that of user {first['user']} to that of user {last['user']}"
        each = f"{texts.number(held_ms.min())} to {texts.milliseconds(held_ms.max())} each"
        if len(self.ahead) == 1:
            users, each = f"that of user {first['user']}", texts.milliseconds(held_ms.max())
        together = texts.milliseconds(held_ms.sum())
        overlapping = "" if served_at_once(self.run) == 1 else ", overlapping"
        return f"{number}{self._doubt()}: {kinds}, {users}, {each}, {together} together{overlapping}"

    def _doubt(self) -> str:
        """Why it is not known which request held the worker; empty where that is the request that it served."""
        at_once = served_at_once(self.run)
        if at_once == 1:
            return ""
        server = (self.run.record["deployment"].get("settings") or {}).get("server")
        shared = f"{at_once} threads" if at_once else "greenlets"
        how = f"in {shared}" if server else "and how many it serves at once is not known"
        if len(self.ahead) == 1:
            return f" {how}, which need not have held it"
        return f" {how}; the one that held it is one of them"

    def _readings(self) -> list[str]:
        """The pool and the database's waits as they were read last before the request was served."""
        queue_ms = 0.0 if pd.isna(self.request["queue_ms"]) else self.request["queue_ms"]
        at_us, lines = US_PER_MS * (self.request["start_ms"] + queue_ms), []
        if (pool := _last(self.run.pool, at_us)) is not None:
            in_use, waiting = int(pool["checked_out"].sum()), int(pool["pending"].sum())
            lines.append(
                f"The pools had {texts.counted(in_use, 'connection')} in use and {texts.counted(waiting, 'caller')} "
                f"waiting, read {_ago(pool, at_us)} before it was served."
            )
        if (sessions := _last(self._activity, at_us)) is not None:
            active = sessions[(sessions["name"] == "active") & (sessions["value"] > 0)].replace({"metric": EVENTS})
            waits = ", ".join(f"{row.value:g} × {row.metric}" for row in active.itertuples()) or "none"
            lines.append(f"Active sessions of the database {_ago(sessions, at_us)} before: {waits}.")
        return lines

    @property
    def _activity(self) -> pd.DataFrame:
        return self.run.database[self.run.database["source"] == "activity"]

    def _lacking(self) -> list[str]:
        """A sentence with the readings that the run lacks."""
        readings = {
            "the pools": self.run.pool,
            "the database's sessions": self._activity,
            "its statements": self.statements,
        }
        lacking = [name for name, table in readings.items() if table.empty]
        return [f"Not read in this run: {', '.join(lacking)}."] if lacking else []

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

    def other(self, user: int, sequence: int) -> "Microscope":
        """Another request of the same run. Raises `RecordingError` where there is none."""
        return Microscope(self.run, user, sequence)

    def content(self) -> list[ipywidgets.Widget]:
        """New widgets with the request, and the statements of its run in a fold."""
        shown = Shown(self.sentences, self.table, self._figure() if len(self.parts) else None)
        if self.statements.empty:
            return [shown.widget]
        table = [ipywidgets.HTML(paragraphs([MEANS_OF_RUN])), table_widget(self.statements)]
        folded = ipywidgets.Accordion([plot_style.styled(table)])
        folded.set_title(0, f"Statements of the run: mean times ({len(self.statements)} rows)")
        return [shown.widget, folded]

    @cached_property
    def widget(self) -> ipywidgets.VBox:
        """The request, with a button for each request that its worker served meanwhile, and a way back from there."""
        return RequestTrail(self).place


def _last(readings: pd.DataFrame, at_us: float) -> pd.DataFrame | None:
    """The readings of the last instant before `at_us`; None where there is none."""
    before = readings[readings["at_us"] <= at_us]
    return before[before["at_us"] == before["at_us"].max()] if len(before) else None


def _ago(readings: pd.DataFrame, at_us: float) -> str:
    return texts.milliseconds((at_us - float(readings["at_us"].iloc[0])) / US_PER_MS)
