"""`python -m analysis history`: every recorded experiment with its headline metrics."""

import click
import pandas as pd

from workbench.paths import SINGLE_RUNS, runs_directory
from workbench.terminal import echo

from .. import history as recorded
from .warning_lines import warn


@click.command()
def history() -> None:
    """List the recorded experiments with their headline metrics.

    They are grouped by machine, the oldest first: metrics of different machines do not compare. A line between two
    names what else changed: versions, data or method.
    """
    experiments, problems = recorded.history(runs_directory())
    for problem in problems:
        warn(problem)
    if experiments.empty:
        single = len(list((runs_directory() / SINGLE_RUNS).glob("*/run.json")))
        others = f", and {single} single runs in {SINGLE_RUNS}/" if single else ""
        echo(f"no experiment in {runs_directory()}{others}")
        return
    for machine, rows in experiments.groupby("machine", sort=False):
        echo(f"{machine}:")
        _print_rows(rows)


def _print_rows(rows: pd.DataFrame) -> None:
    """Print the experiments of one machine, with a line where the ones below do not compare with those above."""
    shown = rows.drop(columns=["machine", recorded.FENCE]).round(2).to_string(index=False, na_rep="-")
    head, *lines = shown.split("\n")
    echo(head)
    for fence, line in zip(rows[recorded.FENCE], lines, strict=True):
        if fence:
            echo(f"-- a difference across this line may come from: {fence}")
        echo(line)
