"""The runs behind the page, and why each of them can be believed or not."""

import pandas as pd

from analysis.metrics import arm_metrics
from workbench.validity import BOUNDS

from ..tables import Html, Quantity, Verdict, table
from .comparison import Report, join, prose

COST = "cost of the readings, share of one core"
FLUSH, FLUSH_CPU = "longest flush, ms", "most CPU of a flush, ms"


def evidence(report: Report) -> Html:
    """Every run that the page uses, and the figures by which it is judged valid."""
    runs = report.experiment.runs
    if not runs:
        return prose("No run was recorded.")
    return join(_runs(report, runs), _validity(runs), _noise(report))


def _runs(report, runs):
    rows = [
        {
            "run": run.name,
            "block": run.block + 1,
            "load": {"open": "open", "start": "none"}.get(run.record["scenario"]["kind"], "closed"),
            "rows": run.record.get("rows"),
            "status": run.status,
            "valid": Verdict.PASS if run.record["valid"] and run.is_readable() else Verdict.INVALID,
            "why not": "; ".join([*run.record["reasons"], *map(str, run.defects)]) or None,
        }
        for run in runs
    ]
    made = report.experiment.record["environment"]
    note = (
        f"Experiment {report.experiment.name}, {made['cpu_count']} cores ({made['cpu_model']}), "
        f"{made['memory_bytes'] / 2**30:.0f} GiB, Python {made.get('python') or 'unknown'}, PostgreSQL "
        f"{made.get('postgresql') or 'unknown'}, commit {(made.get('commit') or 'unknown')[:12]}"
        f"{' with changes' if made.get('dirty') else ''}. The load generator and the "
        "system share this machine."
    )
    if report.experiment.differing:
        note += f" Its runs differ in {', '.join(report.experiment.differing)}."
    return table(pd.DataFrame(rows), "Runs behind this page", note=note)


def _validity(runs):
    """A row for each run that sent something, a column for each gate."""
    sent = [run for run in runs if run.record.get("gates")]
    if not sent:
        return prose("No run that sent anything has ended.")
    frame = pd.DataFrame([{"run": run.name, **_figures(run), **_cost(run), **_flush(run)} for run in sent])
    note = (
        "A run with a figure beyond its bound is invalid and enters no other table of this page. What the system did, "
        "failures included, never makes a run invalid. A dash is what a load does not have, or what could not be "
        "measured. What a flush of rows takes longer than its CPU, the generator waits for a core; whether that "
        "mattered the lag tells."
    )
    formats = {_column(bound): bound.text for bound in BOUNDS.values()}
    formats |= {COST: "{:.1%}", FLUSH: "{:.1f}", FLUSH_CPU: "{:.1f}"}
    return table(frame, "How far each run can be believed", note=note, formats=formats)


def _noise(report):
    """What differs between two runs of the same arm in the same block: no smaller difference means anything here."""
    pairs = arm_metrics.twice(report.experiment)
    if pairs.empty:
        return prose("No arm ran twice in a block, so nothing tells what differs by chance.")
    rows = [
        {
            "deployment": deployment,
            "scenario": scenario,
            "second to first, by block": ", ".join(f"{ratio:.2f}" for ratio in of.sort_values("block")["ratio"]),
            "largest difference": Quantity.of((of["ratio"] - 1).abs().max(), "{:.1%}"),
        }
        for (deployment, scenario), of in pairs.groupby(["deployment", "scenario"])
    ]
    note = "Of the time from the first send to the last answer, in two runs of the same in one block, in random order."
    return table(pd.DataFrame(rows, dtype=object), "What differs by chance", note=note)


def _column(bound):
    return f"{bound.name} ({bound.allowed})"


def _figures(run):
    """Those of all gates, in their order, also of the ones that do not apply to this run."""
    found = {gate["name"]: gate["value"] for gate in run.record["gates"]}
    return {_column(bound): found.get(bound.name) for bound in BOUNDS.values()}


def _cost(run):
    readings = run.record.get("readings")
    read_us = run.process["at_us"]
    if not readings or read_us.nunique() < 2:
        return {COST: None}
    spent_ms = readings["cpu_ms"] + (readings.get("database_cpu_ms") or 0.0)
    return {COST: 1000 * spent_ms / (read_us.max() - read_us.min())}


def _flush(run):
    """How long the generator stood still to write rows, and how much of that was its own work."""
    told = run.record.get("generator", {})
    return {FLUSH: told.get("longest_flush_ms"), FLUSH_CPU: told.get("longest_flush_cpu_ms")}
