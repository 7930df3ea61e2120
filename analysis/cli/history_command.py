"""`python -m analysis history`: every recorded experiment with its headline metrics, and where these changed."""

from collections.abc import Iterator

import click
import pandas as pd

from workbench.paths import SINGLE_RUNS, runs_directory
from workbench.terminal import echo

from ..history import FENCE, change_wording
from ..history.experiment_table import experiment_table
from ..history.metric_series import all_series
from ..history.series_changes import newest_first, verdicts
from ..history.summary_store import Summaries
from .warning_lines import warn


@click.command()
def history() -> None:
    """List the recorded experiments with their headline metrics, and where these changed.

    They are grouped by machine, the oldest first: metrics of different machines do not compare. A line between two
    names what else changed: versions, data or method. Below the tables stand the changes of the headline metric of
    each arm, with the commits between the two experiments.
    """
    summaries = Summaries.of_folder(runs_directory())
    for problem in summaries.problems:
        warn(problem)
    if not summaries.experiments:
        single = len(list((runs_directory() / SINGLE_RUNS).glob("*/run.json")))
        others = f", and {single} single runs in {SINGLE_RUNS}/" if single else ""
        echo(f"no experiment in {runs_directory()}{others}")
        return
    for machine, rows in experiment_table(summaries.experiments).groupby("machine", sort=False):
        echo(f"{machine}:")
        _print_rows(rows)
    for line in _change_lines(summaries):
        echo(line)


def _print_rows(rows: pd.DataFrame) -> None:
    """Print the experiments of one machine, with a line where the ones below do not compare with those above.

    Columns in which none of them has a value are left out.
    """
    columns = rows.drop(columns=["machine", FENCE]).round(2)
    columns = columns.loc[:, [not (columns[name].isna() | (columns[name] == "-")).all() for name in columns]]
    shown = columns.to_string(index=False, na_rep="-")
    head, *lines = shown.split("\n")
    echo(head)
    for fence, line in zip(rows[FENCE], lines, strict=True):
        if fence:
            echo(f"-- a difference across this line may come from: {fence}")
        echo(line)


def _change_lines(summaries: Summaries) -> Iterator[str]:
    """The changes, the newest first, each with its commits once, then what was searched; nothing without a series."""
    series = verdicts(all_series(summaries.experiments))
    if not series:
        return
    yield "\nchanges over experiments:"
    changes, listed = newest_first(series), set()
    for change in changes:
        yield f"  {change_wording.change_sentence(change)}"
        if (pair := (change.before.value.code, change.after.value.code)) not in listed:
            yield from (f"    {line}" for line in change_wording.commit_lines(change))
        listed.add(pair)
    yield from (f"  {change_wording.drift_sentence(drift)}" for verdict in series for drift in verdict.drifts)
    yield from (f"  {sentence}" for verdict in series for sentence in change_wording.unsettled_sentences(verdict))
    if not changes:
        yield "  none is known"
    notes = (
        change_wording.family_sentence(series),
        change_wording.short_sentence(series),
        change_wording.left_out_sentence(summaries),
    )
    yield from (f"  {note}" for note in notes if note)
