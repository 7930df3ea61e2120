"""`python -m analysis show|compare|history|what-if`: recorded runs in a terminal."""

from pathlib import Path

import click

from workbench import validity
from workbench.errors import reporting_errors
from workbench.paths import runs_directory
from workbench.recording import open_experiment, open_run

from . import history as histories
from .capacity.bracket import HIGHEST_P95_MS
from .cli import compare_command, what_if_command
from .metrics import arm_metrics


@click.group()
def main():
    """Look at recorded runs."""


@main.command()
@click.argument("run")
def show(run):
    """Show one run: what it was, latency by endpoint, and its gates. RUN is its directory, or <experiment>/<run>.

    Of an experiment, show all of its runs.
    """
    path = Path(run) if run and Path(run).exists() else runs_directory() / run
    if (path / "experiment.json").exists():
        click.echo(repr(open_experiment(path)))
        return
    opened = open_run(path)
    if opened.status != "complete":
        click.echo(f"warning: {opened.name} is {opened.status}", err=True)
    valid = "valid" if opened.record["valid"] else f"not valid: {_reasons(opened)}"
    click.echo(f"{opened.deployment} under {opened.scenario}, {opened.status}, {valid}")
    for defect in opened.defects:
        click.echo(f"warning: {defect}", err=True)
    if opened.totals is None:
        said = opened.record.get("outcome", {}).get("message")
        click.echo(f"the application did not start: {said}" if said else "no measured requests")
        return
    kind = "open" if opened.record["scenario"]["kind"] == "open" else "closed"
    click.echo(f"{opened.totals['requests']} measured requests in {arm_metrics.makespan_s(opened):.2f} s ({kind} load)")
    click.echo("ms from the actual send (latency) and from when it was due (response):")
    click.echo(_percentiles(opened).round(1).to_string())
    if unsent := (opened.record.get("generator", {}).get("dropped") or {}).get("measure"):
        click.echo(f"{unsent} requests that were due could not be sent, as too many were in flight")
    for gate in opened.record.get("gates", []):
        verdict = {True: "holds", False: "BROKEN", None: "not measured"}[gate["passed"]]
        if bound := validity.BOUNDS.get(gate["name"]):  # a gate of another version says nothing to us
            figure = "-" if gate["value"] is None else bound.text(gate["value"])
            click.echo(f"  {gate['name']}: {figure} ({bound.allowed}) {verdict}")


@main.command()
@click.argument("a")
@click.argument("b")
@click.option("--baseline", is_flag=True, help="A is what B has to be as good as: exit with 1 where B loses.")
def compare(a, b, baseline):
    """Compare two experiments, or two runs: B over A. One run each gives no interval, and no verdict."""
    compare_command.compare(a, b, baseline, runs_directory())


@main.command()
def history():
    """List the recorded experiments by machine, oldest first, each with its headline figures."""
    found, wrong = histories.history(runs_directory())
    for text in wrong:
        click.echo(f"warning: {text}", err=True)
    if found.empty:
        click.echo(f"no experiment in {runs_directory()}")
    for machine, rows in found.groupby("machine", sort=False) if len(found) else ():
        click.echo(f"{machine}:")
        click.echo(rows.drop(columns="machine").round(2).to_string(index=False, na_rep="-"))


@main.command("what-if")
@click.argument("run")
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A setting that would be another.")
@click.option("--load", "loads", multiple=True, metavar="FAMILY-N", help="What to foretell p95 of: open-600.")
@click.option("--hash-ms", type=click.FloatRange(0, 60_000), help="What a hash of a password would take.")
@click.option("--hit-ratio", type=click.FloatRange(0, 1), help="Share of the reads that the cache would answer.")
@click.option("--p95-ms", type=click.FloatRange(0, min_open=True), default=HIGHEST_P95_MS, help="The objective.")
def what_if(run, given, loads, **how):
    """Foretell what a deployment holds, as it is or with other settings, from one RUN of it under a small load.

    RUN is a directory, or <experiment>/<run>, of sustained or open load under which hardly any request waits.
    """
    path = Path(run) if run and Path(run).exists() else runs_directory() / run
    for line in what_if_command.answer(path, given, loads, **how):
        click.echo(line)


def _percentiles(run):
    """By endpoint: both ways to measure, side by side."""
    columns = [
        f'quantile_cont({name}_ms, {quantile}) AS "{name} p{100 * quantile:g}"'
        for name in ("latency", "response")
        for quantile in (0.5, 0.95, 0.99, 0.999)
    ]
    return run.rows.query(
        f"SELECT endpoint, count(*) AS requests, {', '.join(columns)} FROM measured GROUP BY endpoint ORDER BY endpoint"
    ).set_index("endpoint")


def _reasons(run):
    return "; ".join(run.record["reasons"]) or "it never came to its end"


def command() -> None:
    """Run the command line; a recording that cannot be used is one line and a code."""
    with reporting_errors():
        main(prog_name="python -m analysis", standalone_mode=False)


if __name__ == "__main__":
    command()
