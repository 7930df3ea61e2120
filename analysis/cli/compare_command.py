"""`python -m analysis compare`: two runs, or two experiments, side by side."""

import sys
from collections.abc import Iterable

import click
import pandas as pd

from workbench.display import DASH
from workbench.errors import EXIT_INVALID, RecordingError, UserError
from workbench.recording import Experiment, Run, arm, open_experiment, open_run
from workbench.recording_place import recording_place
from workbench.terminal import echo

from .. import comparison_wording, recording_comparison, run_comparison
from ..metrics import arm_metrics
from ..recording_comparison import ExperimentComparison
from ..stats.hypothesis import Effect
from .engine_option import engine_option
from .request_types import require_types, without_type_option
from .show_command import SHOWN_NAME
from .warning_lines import warn, warn_unless_complete

FORMATS = {"ratio": "{:.3f}", "low": "{:.3f}", "high": "{:.3f}", "p_holm": "{:.4f}"}


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--baseline", is_flag=True, help="Exit with 1 where B is worse than A, with 3 where nothing is decided.")
@without_type_option
@engine_option
def compare(a: str, b: str, baseline: bool, without_types: tuple[str, ...]) -> None:
    """Compare two experiments, or two runs: B over A.

    A and B are directories, ids (<experiment>, <experiment>/<run>), or URLs of an object store. One run each gives no
    interval and no verdict.
    Latencies are of the successful responses. Where more requests fail in B, nothing else is called an improvement.
    Experiments of different machines or data are shown without a verdict.
    """
    first, second = open_both(a, b, without_types)
    if isinstance(first, Experiment) and isinstance(second, Experiment):
        comparison = compare_experiments(first, second, across_machines=True)
        _print_experiments(comparison)
        if baseline:
            _require_no_regression(comparison)
    elif isinstance(first, Run) and isinstance(second, Run):
        if baseline:
            raise UserError("one run each gives no verdict; --baseline needs two experiments")
        print_runs(first, second)


def open_both(a: str, b: str, without_types: tuple[str, ...] = ()) -> tuple[Experiment, Experiment] | tuple[Run, Run]:
    """Open two recordings by their directories or ids.

    Raises `RecordingError` for one that is none, and for a run beside an experiment.
    """
    first, second = _open(a, without_types), _open(b, without_types)
    require_types([side.rows for side in (first, second) if side.is_readable()], without_types)
    if isinstance(first, Experiment) and isinstance(second, Experiment):
        return first, second
    if isinstance(first, Run) and isinstance(second, Run):
        return first, second
    raise RecordingError(f"one of {a} and {b} is a run and the other an experiment; they cannot be compared")


def _open(name: str, without_types: tuple[str, ...]) -> Run | Experiment:
    if not name:
        raise click.UsageError("name two recordings: make compare A=<experiment> B=<experiment>")
    path, origin = recording_place(name)
    if (path / "experiment.json").exists():
        return open_experiment(path, without_types, checks_digests=True, origin=origin)
    run = open_run(path, without_types, checks_digests=True, origin=origin)
    warn_unless_complete(run)
    return run


def print_runs(first: Run, second: Run) -> None:
    """Print two runs side by side, by endpoint; raises `RecordingError` where they cannot be compared."""
    recording_comparison.require_comparable_runs(first, second, warn)
    for letter, run in (("A", first), ("B", second)):
        echo(f"{letter}: {run.deployment} under {run.scenario}{run.dropped_text()}")
    echo(run_comparison.endpoint_table(first, second).rename(index=SHOWN_NAME).to_string(na_rep=DASH))
    for line in run_comparison.failure_lines(first, second):
        echo(line)
    ratio = run_comparison.makespan_ratio(first, second)
    echo(f"makespan B/A: {ratio:.3f} (no interval: one run each)")


def compare_experiments(
    before: Experiment, after: Experiment, *, across_machines: bool = False
) -> ExperimentComparison:
    """Compare two experiments, with warnings on the error stream.

    Raises `RecordingError` where they cannot be compared.
    """
    return recording_comparison.compare_experiments(before, after, warn, across_machines=across_machines)


def effects_frame(comparison: ExperimentComparison) -> pd.DataFrame:
    """Return all effects in one table: by `scenario`, `metric` and `deployment` the columns that the command prints."""
    frames = [
        _frame(comparison, table.effects).assign(scenario=table.scenario, metric=table.metric.name)
        for table in comparison.tables
    ]
    return pd.concat(frames).set_index(["scenario", "metric", "deployment"])


def _print_experiments(comparison: ExperimentComparison) -> None:
    echo(f"A: {comparison.before.name}\nB: {comparison.after.name}")
    echo(comparison_wording.verdict_sentence(comparison))
    echo("ratios are B over A; no interval contains what changed on the machine between the two")
    echo("\nfailures and dropped arrivals by arm (latencies are of the successful responses):")
    echo(failures_frame(comparison).to_string(index=False, na_rep="-"))
    metrics = comparison.metrics()
    for table in comparison.tables:
        margin = f"{table.metric.equivalence_margin:.0%}"
        echo(f"\n{table.metric.name}, {table.scenario} (equivalent within {margin}):")
        echo(_frame(comparison, table.effects).to_string(index=False, na_rep="-"))
        for each in metrics:
            if each.effect in table.effects and (requirement := comparison_wording.decision_requirement(each)):
                echo(f"{each.effect.name}: {requirement}")
    if lines := comparison_wording.uncompared_lines(comparison):
        echo("\nnot compared:\n" + "\n".join(lines))


def failures_frame(comparison: ExperimentComparison) -> pd.DataFrame:
    """Return a row for each arm that was compared: the failures of both sides, and their dropped arrivals."""
    rows = []
    for deployment, scenario in comparison.compared_arms():
        row: dict[str, object] = {"deployment": deployment, "scenario": scenario}
        for letter, side in (("A", comparison.before), ("B", comparison.after)):
            row[f"{letter} failures"] = arm_metrics.failures(side, deployment, scenario)
            row[f"{letter} dropped"] = int(arm(side.by_run, deployment, scenario)["dropped"].sum())
        rows.append(row)
    frame = pd.DataFrame(rows)
    dropped = ["A dropped", "B dropped"]
    return frame if frame[dropped].any(axis=None) else frame.drop(columns=dropped)


def _require_no_regression(comparison: ExperimentComparison) -> None:
    """Raise `UserError` where the second experiment regressed or lacks an arm; exit with 3 where nothing is decided."""
    before, after = comparison.before.name, comparison.after.name
    if comparison.decisive_changes():
        _exit_undetermined(comparison)
    if missing := comparison.missing_arms():
        arms = ", ".join(f"{deployment} under {scenario}" for deployment, scenario in missing)
        raise UserError(f"{after} has no valid run of {arms} under the load of {before}")
    if regressions := comparison.regressions():
        raise UserError(f"{after} is worse than {before}: {'; '.join(regressions)}")
    if not comparison.has_verdict():
        _exit_undetermined(comparison)


def _exit_undetermined(comparison: ExperimentComparison) -> None:
    echo(f"Error: {comparison_wording.verdict_sentence(comparison)}", err=True)
    sys.exit(EXIT_INVALID)


def _frame(comparison: ExperimentComparison, effects: Iterable[Effect]) -> pd.DataFrame:
    frame = pd.DataFrame(
        [
            {
                "deployment": effect.name,
                "ratio": effect.ratio,
                "low": effect.low,
                "high": effect.high,
                "verdict": comparison.verdict_of(effect) or "-",
                "p_holm": effect.p_holm,
                "blocks": effect.blocks,
            }
            for effect in effects
        ]
    )
    for column, form in FORMATS.items():
        frame[column] = ["-" if pd.isna(value) else form.format(value) for value in frame[column]]
    return frame
