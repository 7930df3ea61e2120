"""`python -m analysis compare`: two runs, or two experiments, side by side."""

from collections.abc import Iterable

import click
import pandas as pd

from workbench.errors import RecordingError, UserError
from workbench.paths import recording_path
from workbench.recording import Experiment, Run, open_experiment, open_run
from workbench.terminal import echo

from .. import recording_comparison
from ..recording_comparison import ExperimentComparison
from ..stats.confidence import MIN_BLOCKS
from ..stats.hypothesis import Effect
from .show_command import SHOWN_NAME
from .warning_lines import warn, warn_unless_complete

FORMATS = {"ratio": "{:.3f}", "low": "{:.3f}", "high": "{:.3f}", "p_holm": "{:.4f}"}


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--baseline", is_flag=True, help="Exit with 1 where B is worse than A.")
def compare(a: str, b: str, baseline: bool) -> None:
    """Compare two experiments, or two runs: B over A.

    A and B are directories, or ids: <experiment>, <experiment>/<run>. One run each gives no interval and no verdict.
    """
    first, second = _open(a), _open(b)
    if isinstance(first, Experiment) and isinstance(second, Experiment):
        comparison = compare_experiments(first, second)
        _print_experiments(comparison)
        if baseline:
            _require_no_regression(comparison)
    elif isinstance(first, Experiment) or isinstance(second, Experiment):
        raise RecordingError(f"one of {a} and {b} is a run and the other an experiment; they cannot be compared")
    elif baseline:
        raise UserError("one run each gives no verdict; --baseline needs two experiments")
    else:
        _print_runs(first, second)


def _open(name: str) -> Run | Experiment:
    path = recording_path(name)
    if (path / "experiment.json").exists():
        return open_experiment(path)
    run = open_run(path)
    warn_unless_complete(run)
    return run


def _print_runs(first: Run, second: Run) -> None:
    recording_comparison.require_comparable_runs(first, second, warn)
    echo(f"A: {first.deployment} under {first.scenario}\nB: {second.deployment} under {second.scenario}")
    echo(recording_comparison.mean_latencies(first, second).round(3).rename(index=SHOWN_NAME).to_string())
    ratio = recording_comparison.makespan_ratio(first, second)
    echo(f"makespan B/A: {ratio:.3f} (no interval: one run each)")


def compare_experiments(before: Experiment, after: Experiment) -> ExperimentComparison:
    """Compare two experiments, with warnings on the error stream.

    Raises `RecordingError` where they cannot be compared.
    """
    return recording_comparison.compare_experiments(before, after, warn)


def effects_frame(comparison: ExperimentComparison) -> pd.DataFrame:
    """Return all effects in one table: by `scenario`, `metric` and `deployment` the columns that the command prints."""
    frames = [
        _frame(table.effects).assign(scenario=table.scenario, metric=table.metric.name) for table in comparison.tables
    ]
    return pd.concat(frames).set_index(["scenario", "metric", "deployment"])


def _print_experiments(comparison: ExperimentComparison) -> None:
    echo(f"A: {comparison.before.name}\nB: {comparison.after.name}")
    echo("ratios are B over A; no interval contains what changed on the machine between the two")
    for table in comparison.tables:
        margin = f"{table.metric.equivalence_margin:.0%}"
        echo(f"\n{table.metric.name}, {table.scenario} (equivalent within {margin}):")
        echo(_frame(table.effects).to_string(index=False, na_rep="-"))


def _require_no_regression(comparison: ExperimentComparison) -> None:
    """Raise `UserError` where the second experiment regressed or lacks an arm, or where no verdict is possible."""
    before, after = comparison.before.name, comparison.after.name
    if missing := comparison.missing_arms():
        arms = ", ".join(f"{deployment} under {scenario}" for deployment, scenario in missing)
        raise UserError(f"{after} has no valid run of {arms} under the load of {before}")
    if regressions := comparison.regressions():
        raise UserError(f"{after} is worse than {before}: {'; '.join(regressions)}")
    if not comparison.has_interval():
        raise UserError(f"no verdict is possible: it takes {MIN_BLOCKS} blocks of an arm in both experiments")


def _frame(effects: Iterable[Effect]) -> pd.DataFrame:
    frame = pd.DataFrame(
        [
            {
                "deployment": effect.name,
                "ratio": effect.ratio,
                "low": effect.low,
                "high": effect.high,
                "verdict": effect.verdict,
                "p_holm": effect.p_holm,
                "blocks": effect.blocks,
            }
            for effect in effects
        ]
    )
    for column, form in FORMATS.items():
        frame[column] = ["-" if pd.isna(value) else form.format(value) for value in frame[column]]
    return frame
