"""What was read during a run: latency, connections and CPU over time, the database's waits and statements."""

import math

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis import bottleneck
from analysis.metrics import arm_metrics, run_metrics
from analysis.metrics.cpu_metrics import MACHINE
from workbench.errors import UserError
from workbench.recording import Run

from . import plot_style, texts
from .percentile_bands import add_bands, supported
from .run_loss import UNREADABLE, loss, reason
from .shown import Shown

US_PER_S, NS_PER_MS = 1_000_000, 1_000_000
MAX_INTERVALS = 1000
SERVER = "server"  # the role of the application's processes
STATES = {"checked_out": "used", "idle": "idle", "pending": "waiting"}  # of a connection, and of its callers
PANELS_PX, POOL_PX = 560, 300


def over_time(run: Run, interval_s: float | None = None) -> Shown:
    """Percentiles of latency, connections in use and CPU over time, on one axis: seconds since the first request.

    Raises `UserError` for an interval that is not above 0, or of which the run has more than `MAX_INTERVALS`.
    """
    table, width_s, lost = _latencies(run, interval_s)
    made = make_subplots(
        rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.06,
        subplot_titles=["latency of successful responses (ms)", "connections in use", "CPU (cores)"],
    )  # fmt: skip
    plot_style.legend_below(plot_style.in_style(made, PANELS_PX))
    lines = [f"{lost}." if lost else "No request was sent."]
    if not table.empty:
        table, lines = _with_bands(made, run, table, width_s)
    add_pool(made, run, 2)
    add_cpu(made, run, 3)
    made.update_yaxes(plot_style.log_axis(), row=1, col=1)
    made.update_xaxes(title=since(run), row=3, col=1)
    return Shown([*lines, *unread(run)], table, made if made.data else None)


def _latencies(run: Run, interval_s: float | None) -> tuple[pd.DataFrame, float, str]:
    """The table of `run_metrics.over_time`, the width of an interval, and why the requests cannot be read, if so."""
    lost = loss(run)
    try:
        if not lost:
            if interval_s is not None:
                _check_interval(run, interval_s)
            return *run_metrics.over_time(run, interval_s), ""
    except UNREADABLE as error:
        lost = loss(run, reads_all=True) or reason(error)
    return pd.DataFrame(), 0.0, lost


def _check_interval(run: Run, interval_s: float) -> None:
    length_s = run.rows.query("SELECT (max(start_ms) - min(start_ms)) / 1000 AS length_s FROM requests")["length_s"][0]
    if not 0 < interval_s < math.inf:
        raise UserError(f"an interval is a number of seconds above 0, not {interval_s}")
    if length_s / interval_s > MAX_INTERVALS:
        least = texts.number(length_s / MAX_INTERVALS)
        raise UserError(f"{run.name} has more than {MAX_INTERVALS:,} intervals of {interval_s} s; take {least} or more")


def _with_bands(made: go.Figure, run: Run, table: pd.DataFrame, width_s: float) -> tuple[pd.DataFrame, list[str]]:
    """Add the percentiles of latency to the first row; returns their table, and sentences about them."""
    table, left_out = supported(table)
    add_bands(made, table, width_s, 1)
    none = [] if table["successful"].any() else ["No response was successful, so there is no latency."]
    dropped = ["Arrivals that were dropped are in no percentile."] if run.dropped else []
    first = f"{run.deployment} under {run.scenario}, in intervals of {texts.number(width_s)} s"
    return table, [first, *none, *left_out, *dropped]


def unread(run: Run) -> list[str]:
    """Sentences with the readings that a run lacks."""
    roles = sorted(set(run.process["role"]) - {MACHINE})
    lacking = [name for name, is_read in (("pool", len(run.pool)), ("CPU", roles)) if not is_read]
    verb = "were" if len(lacking) > 1 else "was"
    none = [f"The {' and the '.join(lacking)} {verb} not read in this run."] if lacking else []
    part = [f"The CPU of the application was not read, only that of {', '.join(roles)}."]
    return [*none, *(part if roles and SERVER not in roles else [])]


def since(run: Run) -> str:
    """The title of the axis of time."""
    return "seconds since the first request" if begin_us(run) else "seconds since the start of the run"


def add_pool(made: go.Figure, run: Run, row: int) -> None:
    """Add the connections in use of each worker to a row of a figure, over the seconds since the first request."""
    for worker, readings in run.pool.groupby("worker"):
        _line(
            made,
            row,
            (readings["at_us"] - begin_us(run)) / US_PER_S,
            readings["checked_out"],
            f"worker {worker}",
            plot_style.colour_of_worker(worker),
        )


def add_cpu(made: go.Figure, run: Run, row: int) -> None:
    """Add the CPU of each role, in cores, to a row of a figure."""
    for role, cores in _cpu_cores(run).items():
        _line(made, row, cores["at_s"], cores["cores"], role, plot_style.colour_of(role, row))


def begin_us(run: Run) -> float:
    """The send of the first request of a run, in µs since the run began; 0 where no request is known."""
    try:
        first_ms = run.rows.query("SELECT min(start_ms) AS first_ms FROM requests")["first_ms"].iloc[0]
    except UNREADABLE:
        return 0.0
    return 0.0 if pd.isna(first_ms) else float(first_ms) * 1000


def _line(made: go.Figure, row: int, x: pd.Series, y: pd.Series, name: str, colour: str) -> None:
    line = {"color": colour, "width": 1.5}
    made.add_trace(go.Scatter(x=x, y=y, name=name, mode="lines", line=line), row=row, col=1)


def _cpu_cores(run: Run) -> dict[str, pd.DataFrame]:
    """The CPU of each role between two readings, in cores: `at_s` of the later one, and `cores`."""
    first_us, result = begin_us(run), {}
    for role, readings in run.process[run.process["role"] != MACHINE].groupby("role"):
        growth = readings[["at_us", "cpu_us"]].diff()
        cores = (growth["cpu_us"] / growth["at_us"]).rename("cores")
        result[str(role)] = pd.DataFrame({"at_s": (readings["at_us"] - first_us) / US_PER_S, "cores": cores}).dropna()
    return result


def pool(run: Run) -> Shown:
    """The pools' connections over time, and their totals."""
    if run.pool.empty:
        return Shown([f"The pool was not read in {run.name}."], run.pool)
    table = _pool_use(run)
    made = plot_style.figure(height_px=POOL_PX)
    for number, state in enumerate(STATES.values()):
        line = {"color": plot_style.colour_of(state, number), "shape": "hv"}
        made.add_trace(go.Scatter(x=table["at_s"], y=table[state], name=state, mode="lines", line=line))
    made.update_xaxes(title=since(run))
    made.update_yaxes(title="connections", rangemode="tozero")
    totals = arm_metrics.pool_totals(run)
    return Shown([_pool_sentence(table), *([] if totals is None else [_totals_sentence(totals)])], table, made)


def _pool_use(run: Run) -> pd.DataFrame:
    """The connections of all workers at each reading: at_s (since the first request), used, idle, waiting, limit."""
    total = run.pool.groupby("at_us")[[*STATES, "limit"]].sum().rename(columns=STATES).reset_index()
    total.insert(0, "at_s", (total.pop("at_us") - begin_us(run)) / US_PER_S)
    return total


def _pool_sentence(table: pd.DataFrame) -> str:
    limit, waiting = int(table["limit"].max()), int(table["waiting"].max())
    allowed = f"of {limit} that the pools may open" if limit else "without a limit"
    used = texts.counted(int(table["used"].max()), "connection")
    waited = f"up to {texts.counted(waiting, 'caller')} waited" if waiting else "no caller waited"
    return f"At the {texts.counted(len(table), 'reading')} up to {used} were in use, {allowed}; {waited} for one."


def _totals_sentence(totals: pd.Series) -> str:
    waited_ms, longest_ms = totals["wait_ns"] / NS_PER_MS, totals["longest_wait_ns"] / NS_PER_MS
    return (
        f"Over the whole run a connection was taken {texts.counted(int(totals['acquires']), 'time')}; callers waited "
        f"{texts.milliseconds(waited_ms)} for one in all, the longest of them {texts.milliseconds(longest_ms)}."
    )


def waits(run: Run) -> Shown:
    """What the active sessions of the database waited for, on average."""
    if run.database.empty or run.totals is None:
        return Shown([f"The sessions of the database were not read in {run.name}."], pd.DataFrame())
    table = bottleneck.session_waits(run)
    if table.empty:
        return Shown([f"At every reading in {run.name} no session of the database was active."], table)
    first = table.iloc[0]
    readings = bottleneck.number_of_readings(run, bottleneck.activity_readings(run))
    sentence = (
        f"{texts.number(table['sessions'].sum())} sessions were active on average over "
        f"{texts.counted(readings, 'reading')}; most often with {first['wait']} ({texts.number(first['sessions'])})."
    )
    made = plot_style.figure(height_px=POOL_PX)
    made.add_trace(go.Bar(x=table["sessions"], y=table["wait"], orientation="h", marker={"color": plot_style.NEUTRAL}))
    made.update_yaxes(autorange="reversed")
    made.update_xaxes(title="active sessions, mean")
    return Shown([sentence], table, made)


def statements(run: Run, number: int) -> Shown:
    """The statements on which the database spent the most time."""
    table = bottleneck.top_statements(run, number)
    if table.empty:
        return Shown([f"The statements of the database were not counted in {run.name}."], table)
    share, first = table.iloc[0]["share"], "Means and totals are those of the database, its waits for locks included."
    return Shown([f"The first statement took {share:.0%} of the time of all statements.", first], table)
