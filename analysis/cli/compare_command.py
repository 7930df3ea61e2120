"""`python -m analysis compare`: two runs, or two experiments, and what may be said of them."""

from collections.abc import Collection
from pathlib import Path

import click
import pandas as pd

from workbench import comparability
from workbench.errors import UserError
from workbench.recording import Experiment, RecordingError, Run, open_experiment, open_run

from .. import ablation
from ..findings import wording
from ..metrics import arm_metrics
from ..stats.confidence import FEWEST_BLOCKS
from ..stats.hypothesis import Effect, holm

ALIKE = ("processes", "locustfile")
SHOWN = {"ratio": "{:.3f}", "low": "{:.3f}", "high": "{:.3f}", "p_holm": "{:.4f}"}


def compare(a: str, b: str, baseline: bool, folder: Path) -> None:
    """Print the comparison of two recordings, each a directory or a path within the folder.

    Raises `RecordingError` where they cannot be compared, and with `baseline` `UserError` where B loses.
    """
    first, second = (_open(name, folder) for name in (a, b))
    if type(first) is not type(second):
        raise RecordingError(f"one of {a} and {b} is a run and the other an experiment; they cannot be compared")
    if isinstance(first, Experiment):
        _experiments(first, second, baseline)
    elif baseline:
        raise UserError("one run each gives no verdict to fail by; --baseline needs two experiments")
    else:
        _runs(first, second)


def _open(name, folder) -> Run | Experiment:
    path = Path(name) if name and Path(name).exists() else folder / name
    if (path / "experiment.json").exists():
        return open_experiment(path)
    opened = open_run(path)
    if opened.status != "complete":
        click.echo(f"warning: {opened.name} is {opened.status}", err=True)
    return opened


def _runs(first: Run, second: Run) -> None:
    _require_comparable(first, second)
    means_ms = [run.by_endpoint.set_index("endpoint")["mean_ms"] for run in (first, second)]
    table = pd.DataFrame({"A mean_ms": means_ms[0], "B mean_ms": means_ms[1]})
    table["B/A"] = table["B mean_ms"] / table["A mean_ms"]
    click.echo(f"A: {first.deployment} under {first.scenario}\nB: {second.deployment} under {second.scenario}")
    click.echo(table.round(3).to_string())
    ratio = arm_metrics.makespan_s(second) / arm_metrics.makespan_s(first)
    click.echo(f"makespan B/A: {ratio:.3f} (no interval: one run each)")


def _require_comparable(first: Run, second: Run) -> None:
    for run in (first, second):
        if not run.record["valid"]:
            reasons = "; ".join(run.record["reasons"]) or "it never came to its end"
            raise RecordingError(f"{run.name} is not valid ({reasons}) and cannot be compared")
        if run.totals is None:
            why = "; ".join(map(str, run.defects)) or "it has no measured requests"
            raise RecordingError(f"{run.name} cannot be compared: {why}")
    _require_same_place(first.record, second.record)
    if first.scenario != second.scenario:
        raise RecordingError(f"{first.scenario} and {second.scenario} are different loads and cannot be compared")
    if changed := _differences(first, second):
        raise RecordingError(f"the loads differ in {', '.join(changed)} and cannot be compared")


def _require_same_place(first: dict, second: dict) -> None:
    if others := comparability.apart([first, second]):
        raise RecordingError(f"they were made on another {' and another '.join(others)} and cannot be compared")
    if told := comparability.apart([first, second], comparability.TELLING):
        click.echo(f"warning: they differ in {', '.join(told)}", err=True)


def _differences(first: Run, second: Run) -> list[str]:
    """In what the loads of two runs differ."""
    loads = [run.record["scenario"] | {what: run.record.get(what) for what in ALIKE} for run in (first, second)]
    return sorted(name for name in loads[0].keys() | loads[1].keys() if loads[0].get(name) != loads[1].get(name))


def _other_loads(first: Experiment, second: Experiment) -> dict[tuple[str, str], list[str]]:
    """The arms that both have and under loads that are not the same, and in what those differ."""
    found = {}
    for run in first.usable:
        arm = (run.deployment, run.scenario)
        changed = [name for other in second.find(*arm) for name in _differences(run, other)]
        if changed:
            found[arm] = sorted(set(changed))
    return found


def compared(first: Experiment, second: Experiment) -> tuple[list[ablation.Worth], Collection[tuple[str, str]]]:
    """What differs between two experiments, second over first, and the arms (deployment, scenario) that are left out as
    their loads are not the same.

    What may matter is told on standard error. Raises `RecordingError` where they cannot be compared.
    """
    if first.directory.resolve() == second.directory.resolve():
        raise RecordingError(f"both are {first.name}; there is nothing to compare")
    for experiment in (first, second):
        for run in experiment.runs:
            for defect in run.defects:
                click.echo(f"warning: {experiment.name}/{run.name}: {defect}", err=True)
        if not experiment.usable:
            raise RecordingError(f"{experiment.name} has no complete, valid and readable run and cannot be compared")
    _require_same_place(first.usable[0].record, second.usable[0].record)
    others = _other_loads(first, second)
    for (deployment, scenario), names in others.items():
        click.echo(
            f"warning: {deployment} under {scenario} is left out: its loads differ in {', '.join(names)}", err=True
        )
    found = ablation.between(first, second, others)
    if not found:
        raise RecordingError(f"{first.name} and {second.name} have no arm in common and cannot be compared")
    return found, others


def frame(found: list[ablation.Worth]) -> pd.DataFrame:
    """All of it in one table: `scenario`, `figure`, and of each effect what a terminal shows."""
    tables = [_table(of.effects).assign(scenario=of.scenario, figure=of.figure.name) for of in found]
    return pd.concat(tables).set_index(["scenario", "figure", "deployment"])


def _experiments(first: Experiment, second: Experiment, baseline: bool) -> None:
    found, others = compared(first, second)
    click.echo(
        f"A: {first.name}\nB: {second.name}\nB over A; they were made at different times, which no interval knows"
    )
    for worth in found:
        click.echo(f"\n{worth.figure.name}, {worth.scenario} (the same within {worth.figure.band:.0%}):")
        click.echo(_table(worth.effects).to_string(index=False, na_rep="-"))
    if baseline:
        _require_kept(first, second, found, others)


def _require_kept(first, second, found, others):
    """Raise `UserError` where the second lost something, lacks an arm, or nothing could be judged."""
    arms = [{(run.deployment, run.scenario) for run in experiment.usable} for experiment in (first, second)]
    if lacking := sorted(arms[0] - (arms[1] - others.keys())):
        listed = ", ".join(f"{deployment} under {scenario}" for deployment, scenario in lacking)
        raise UserError(f"{second.name} has no valid run of {listed} as {first.name} has it")
    if lost := _lost(found):
        raise UserError(f"{second.name} is worse than {first.name}: {'; '.join(lost)}")
    if not any(effect.interval for one in found for effect in one.effects):
        raise UserError(f"nothing can be judged: it takes {FEWEST_BLOCKS} blocks of an arm in both")


def _lost(found: list[ablation.Worth]) -> list[str]:
    """What became worse by more than its band, surely: the interval lies beyond it, and Holm's correction over all that
    is compared leaves it."""
    every = [(one, effect) for one in found for effect in one.effects if effect.interval]
    corrected = holm([effect.p for _, effect in every])
    nothing = [
        f"{one.figure.name} of {effect.name} under {one.scenario} {wording.ratio_with_interval(effect)}"
        for one in found
        for effect in one.effects
        if effect.interval is None and effect.verdict == "loss"
    ]
    return nothing + [
        f"{one.figure.name} of {effect.name} under {one.scenario} {wording.ratio_with_interval(effect)}"
        for (one, effect), p in zip(every, corrected, strict=True)
        if p <= 1 - effect.level and _is_worse(effect, one.figure)
    ]


def _is_worse(effect, figure):
    beyond = effect.low > 1 + figure.band, effect.high < 1 / (1 + figure.band)
    return beyond[0] if figure.lower_is_better else beyond[1]


def _table(effects: tuple[Effect, ...]) -> pd.DataFrame:
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
    for column, form in SHOWN.items():
        frame[column] = ["-" if pd.isna(value) else form.format(value) for value in frame[column]]
    return frame
