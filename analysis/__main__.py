"""`python -m analysis show|compare|history`: recorded runs in a terminal."""

from pathlib import Path

import click
import pandas as pd

from . import measures, validity
from .directories import runs_directory
from .problem import told_in_lines
from .recording import RecordingError, Run, open_experiment, open_run


@click.group()
def main():
    """Look at recorded runs."""


@main.command()
@click.argument("run")
def show(run):
    """Show one run: what it was, latency by endpoint, and its gates. RUN is its directory, or <experiment>/<run>."""
    opened = _open(run)
    valid = "valid" if opened.record["valid"] else f"not valid: {_reasons(opened)}"
    click.echo(f"{opened.deployment} under {opened.scenario}, {opened.status}, {valid}")
    if opened.measured.empty:
        said = opened.record.get("outcome", {}).get("said")
        click.echo(f"the application did not start: {said}" if said else "no measured requests")
        return
    kind = "open" if opened.record["scenario"]["kind"] == "open" else "closed"
    click.echo(f"{len(opened.measured)} measured requests in {measures.makespan_s(opened):.2f} s ({kind} load)")
    click.echo("ms from the actual send (latency) and from when it was due (response):")
    click.echo(_percentiles(opened).round(1).to_string())
    if unsent := (opened.record.get("generator", {}).get("unsent") or {}).get("measure"):
        click.echo(f"{unsent} requests that were due could not be sent, as too many were in flight")
    for gate in opened.record.get("gates", []):
        verdict = {True: "holds", False: "BROKEN", None: "not measured"}[gate["passed"]]
        if bound := validity.BOUNDS.get(gate["name"]):  # a gate of another version says nothing to us
            figure = "-" if gate["figure"] is None else bound.text(gate["figure"])
            click.echo(f"  {gate['name']}: {figure} ({bound.allowed}) {verdict}")


@main.command()
@click.argument("a")
@click.argument("b")
def compare(a, b):
    """Compare two runs: latency by endpoint and its ratio B/A. One run each gives no interval."""
    first, second = _open(a), _open(b)
    _require_comparable(first, second)
    table = pd.DataFrame({"A mean_ms": _latency(first)["mean_ms"], "B mean_ms": _latency(second)["mean_ms"]})
    table["B/A"] = table["B mean_ms"] / table["A mean_ms"]
    click.echo(f"A: {first.deployment} under {first.scenario}\nB: {second.deployment} under {second.scenario}")
    click.echo(table.round(3).to_string())
    click.echo(
        f"makespan B/A: {measures.makespan_s(second) / measures.makespan_s(first):.3f} (no interval: one run each)"
    )


@main.command()
def history():
    """List the recorded experiments, oldest first."""
    rows = []
    for path in sorted(runs_directory().glob("*/experiment.json")):
        try:
            opened = open_experiment(path.parent)
        except RecordingError as error:
            click.echo(f"warning: {error}", err=True)
            continue
        record = opened.record
        row = {"experiment": opened.name, "profile": record["profile"], "scale": record["scale"]}
        row["status"] = "complete" if opened.is_complete() else "incomplete"
        rows.append(row | {"commit": (record["environment"].get("commit") or "unknown")[:12]})
    click.echo(pd.DataFrame(rows).to_string(index=False) if rows else f"no experiment in {runs_directory()}")


def _open(name) -> Run:
    path = Path(name)
    opened = open_run(path if path.exists() and name else runs_directory() / name)
    if opened.status != "complete":
        click.echo(f"warning: {opened.name} is {opened.status}", err=True)
    return opened


def _percentiles(run):
    """By endpoint: both ways to measure, side by side."""
    grouped = run.measured.groupby("endpoint")
    columns = {"requests": grouped.size()}
    for name in ("latency_ms", "response_ms"):
        for quantile in (0.5, 0.95, 0.99, 0.999):
            columns[f"{name.removesuffix('_ms')} p{100 * quantile:g}"] = grouped[name].quantile(quantile)
    return pd.DataFrame(columns)


def _latency(run):
    grouped = run.measured.groupby("endpoint")["latency_ms"]
    return grouped.agg(requests="size", mean_ms="mean", median_ms="median", max_ms="max")


def _reasons(run):
    return "; ".join(run.record["reasons"]) or "it never came to its end"


def _require_comparable(first, second):
    for run in (first, second):
        if not run.record["valid"]:
            raise RecordingError(f"{run.name} is not valid ({_reasons(run)}) and cannot be compared")
        if run.measured.empty:
            raise RecordingError(f"{run.name} has no measured requests and cannot be compared")
    for what in ("cpu_model", "cpu_count", "postgresql"):
        if first.record["environment"][what] != second.record["environment"][what]:
            raise RecordingError(f"the runs differ in {what} and cannot be compared")
    if first.scenario != second.scenario:
        raise RecordingError(f"{first.scenario} and {second.scenario} are different loads and cannot be compared")
    if changed := _differences(first.record["scenario"], second.record["scenario"]):
        raise RecordingError(f"the loads differ in {', '.join(changed)} and cannot be compared")
    for what in ("processes", "locustfile"):
        if first.record.get(what) != second.record.get(what):
            raise RecordingError(f"the loads differ in {what} and cannot be compared")
    if first.record["dataset"] != second.record["dataset"]:
        raise RecordingError("the runs were made on different datasets and cannot be compared")


def _differences(first, second):
    return sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))


def command() -> None:
    """Run the command line; a recording that cannot be used is one line and a code."""
    with told_in_lines():
        main(prog_name="python -m analysis", standalone_mode=False)


if __name__ == "__main__":
    command()
