"""`python -m analysis show`: one recorded run, or all runs of an experiment."""

from collections.abc import Iterator
from functools import partial

import click
import pandas as pd

from workbench import validity
from workbench.paths import recording_path
from workbench.record_format import format_note
from workbench.recording import Run, open_experiment, open_run
from workbench.terminal import echo
from workbench.text_cleaning import MAX_NAME_CHARACTERS, Target, cleaned

from ..metrics import arm_metrics
from .warning_lines import warn, warn_unless_complete

SHOWN_NAME = partial(cleaned, target=Target.LINE, limit=MAX_NAME_CHARACTERS)
QUANTILES = (0.5, 0.95, 0.99, 0.999)
GATE_VERDICTS = {True: "passes", False: "FAILS", None: "not measured"}


@click.command()
@click.argument("run")
def show(run: str) -> None:
    """Show one run, or the runs of an experiment.

    Of a run: its arm and status, latency by endpoint, and its gates.

    RUN is a directory, or an id: <experiment>/<run>, <experiment>.
    """
    path = recording_path(run)
    if (path / "experiment.json").exists():
        echo(repr(open_experiment(path)))
        return
    opened = open_run(path)
    warn_unless_complete(opened)
    for defect in opened.defects:
        warn(defect)
    for line in _lines(opened):
        echo(line)


def _lines(run: Run) -> Iterator[str]:
    yield cleaned(run.summary()[0], Target.LINE)
    yield from format_note(run.record)
    if run.totals is None:
        message = run.record.get("outcome", {}).get("message")
        yield cleaned(f"the application did not start: {message}", Target.LINE) if message else "no measured requests"
        return
    load = "open" if run.record["scenario"]["kind"] == "open" else "closed"
    yield f"{run.totals['requests']} measured requests in {arm_metrics.makespan_s(run):.2f} s ({load} load)"
    yield "latency (from the actual send) and response time (from the intended send), ms:"
    yield _percentiles(run).round(1).rename(index=SHOWN_NAME).to_string()
    if dropped := (run.record.get("generator", {}).get("dropped") or {}).get("measure"):
        yield f"{dropped} dropped arrivals: they were due while too many requests were in flight"
    yield from _gate_lines(run)


def _percentiles(run: Run) -> pd.DataFrame:
    """Percentiles of latency and of response time by endpoint (ms), beside the number of requests."""
    columns = [
        f'quantile_cont({name}_ms, {quantile}) AS "{name} p{100 * quantile:g}"'
        for name in ("latency", "response")
        for quantile in QUANTILES
    ]
    return run.rows.query(
        f"SELECT endpoint, count(*) AS requests, {', '.join(columns)} FROM measured GROUP BY endpoint ORDER BY endpoint"
    ).set_index("endpoint")


def _gate_lines(run: Run) -> Iterator[str]:
    for gate in run.record.get("gates", []):
        if bound := validity.BOUNDS.get(gate["name"]):  # gates of another version have no bound here
            value = "-" if gate["value"] is None else bound.text(gate["value"])
            yield f"  {gate['name']}: {value}, allowed {bound.allowed}: {GATE_VERDICTS[gate['passed']]}"
