"""`python -m analysis import`: results of other tools as runs of an experiment."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from workbench import imported
from workbench.errors import UsageError
from workbench.paths import is_id, runs_directory
from workbench.terminal import echo
from workbench.text_cleaning import Target, cleaned

from ..imports import format_table, imported_experiment, result_arms
from ..imports.import_options import UNITS_US, ImportOptions
from ..stats.confidence import MIN_BLOCKS
from .warning_lines import warn

START, END = "start", "end"


@click.command("import", context_settings={"allow_extra_args": True})
@click.option(
    "--arm",
    "arms",
    multiple=True,
    metavar="NAME=FILE[,FILE…]",
    help="Results of an arm, a file for each block; the first arm is the baseline. May be repeated.",
)
@click.option(
    "--block",
    "blocks",
    multiple=True,
    type=int,
    metavar="N",
    help="Number of a block, in the order of the files; they count from 1 by default.",
)
@click.option("--experiment", default="", metavar="ID", help="Id of the new experiment; the time by default.")
@click.option("--scenario", default="", metavar="NAME", help="A name for the load: it becomes imported-NAME.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(format_table.NAMES),
    metavar="FORMAT",
    help=f"Format of the files, where it is not recognised: {', '.join(format_table.NAMES)}.",
)
@click.option(
    "--unit",
    type=click.Choice([*UNITS_US]),
    metavar="UNIT",
    help=f"Unit of the values of a histogram: {', '.join(UNITS_US)}.",
)
@click.option(
    "--timestamps",
    type=click.Choice([START, END]),
    default=START,
    show_default=True,
    help="Whether JMeter's time stamps are of the start of a sample or of its end.",
)
@click.option("--delimiter", default="", metavar="TEXT", help="Delimiter of JMeter's CSV; \\t is a tab.")
@click.option("--columns", default="", metavar="NAME,…", help="Columns of JMeter's CSV that has no header.")
@click.pass_context
def import_results(
    context: click.Context,
    arms: Sequence[str],
    blocks: Sequence[int],
    experiment: str,
    scenario: str,
    format_name: str | None,
    unit: str | None,
    timestamps: str,
    delimiter: str,
    columns: str,
) -> None:  # fmt: skip
    """Import results of JMeter, k6, Gatling, Locust, Vegeta, wrk2 or HdrHistogram as an experiment.

    Each FILE becomes a run. What the format of a file does not say stays unknown; lines that cannot be read are counted
    and left out. docs/IMPORTS.md has what becomes of each column.
    """
    if context.args:  # click's own message has no remedy
        raise UsageError(f"{context.args[0]!r} is of no arm; give it as --arm NAME={context.args[0]}")
    name, load = experiment or imported_experiment.new_name(), _scenario(scenario)
    if not is_id(name):
        raise UsageError(f"--experiment {name!r} is no id; use letters, digits, '.', '_' and '-'")
    options = ImportOptions(
        format_name or "",
        unit or "",
        timestamps == END,
        _delimiter(delimiter),
        tuple(filter(None, columns.split(","))),
    )
    runs = imported_experiment.write(name, result_arms.parse(arms, blocks), load, options, runs_directory())
    for line in _lines(runs):
        echo(cleaned(line, Target.LINE))
    for line in _warnings(runs):
        warn(line)
    echo(f"python -m reports build --experiment {shlex.quote(name)}")


def _delimiter(text: str) -> str:
    """The delimiter of a table, empty for none. Raises `UsageError` for what is no delimiter of one character."""
    delimiter = text.replace("\\t", "\t")
    if len(delimiter) > 1 or delimiter in ('"', "\n", "\r"):
        raise UsageError(f"--delimiter {text!r} is none; give one character, or \\t for a tab")
    return delimiter


def _scenario(name: str) -> str:
    """The id of the load, which is never one of the workbench's own. Raises `UsageError` for a name that is no id."""
    scenario = f"{imported.KIND}-{name}" if name else imported.KIND
    if not is_id(scenario):
        raise UsageError(f"--scenario {name!r} is no id; use letters, digits, '.', '_' and '-'")
    return scenario


def _lines(runs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What each file became, and whether its runs can have an interval."""
    for run in runs:
        origin = run[imported.KEY]
        yield f"{run['run']}: {run['rows']:,} requests from {origin['file']} ({origin['format']})"
    blocks = min(_blocks(runs, arm) for arm in {run["deployment"]["name"] for run in runs})
    if blocks < MIN_BLOCKS:
        noun = "block" if blocks == 1 else "blocks"
        yield f"no interval and no verdict: {blocks} {noun} of an arm, and it takes {MIN_BLOCKS} of each"


def _blocks(runs: Sequence[Mapping[str, Any]], arm: str) -> int:
    return len({run["block"] for run in runs if run["deployment"]["name"] == arm})


def _warnings(runs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What was lost of each file, what its format does not know, and why a run is not valid."""
    for run in runs:
        origin = run[imported.KEY]
        unknown = [f"the file has no {', no '.join(origin['unknown'])}"] if origin["unknown"] else []
        yield from (f"{origin['file']}: {line}" for line in (*imported.losses(origin), *unknown, *origin["notes"]))
        yield from (f"{run['run']} is not valid: {reason}" for reason in run["reasons"])
    tools = {run[imported.KEY]["tool"] for run in runs}
    if len(tools) > 1:
        yield f"the arms were measured by {' and '.join(sorted(tools))}, which do not define latency alike"
