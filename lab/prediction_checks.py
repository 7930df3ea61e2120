"""Predictions of set-ups that were measured: how far a model can be trusted with a change of settings."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from analysis.queueing.preconditions import NEUTRAL_SETTINGS, PredictionError
from workbench.recording import Experiment, Run

from . import texts

MAX_CHECKS = 4


class Check(NamedTuple):
    """Another deployment of the experiment, what the model predicts for it, and what was measured (ms)."""

    deployment: str
    changes: str
    predicted_ms: float
    measured_ms: float


def checks(
    experiment: Experiment,
    base: Run,
    scenario: str,
    predict_ms: Callable[[Mapping[str, Any]], float],
    measure_ms: Callable[[str], float],
) -> list[Check]:
    """The deployments under a scenario that differ from that of the base run only in settings that the model covers.

    `predict_ms` takes recorded settings, and raises `PredictionError` for those beyond the model; `measure_ms` takes
    the name of a deployment.
    """
    others = {run.deployment: run for run in experiment.usable if run.scenario == scenario}
    checked: list[Check] = []
    for name, run in others.items():
        changes = _changes(base.record["deployment"]["settings"], run.record["deployment"]["settings"])
        if not changes or len(checked) == MAX_CHECKS:
            continue
        try:
            predicted_ms = predict_ms(run.record["deployment"]["settings"])
        except PredictionError:
            continue
        checked.append(Check(name, changes, predicted_ms, measure_ms(name)))
    return checked


def sentences(checked: Sequence[Check], deployment: str) -> list[str]:
    """How far each prediction was from its measurement, or that no change was ever checked."""
    if not checked:
        which = f"No other set-up that was measured here differs from {deployment} only in what the model covers"
        return [f"{which} for this load: no prediction of a change of {deployment} can be checked."]
    return [
        f"From the same run the model predicts {each.deployment} ({each.changes}) at "
        f"{texts.milliseconds(each.predicted_ms)}; {texts.milliseconds(each.measured_ms)} was measured, an error of "
        f"{each.predicted_ms / each.measured_ms - 1:+.0%}."
        for each in checked
    ]


def _changes(recorded: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    names = sorted({*recorded, *settings} - set(NEUTRAL_SETTINGS))
    return ", ".join(f"{name}={settings.get(name)}" for name in names if recorded.get(name) != settings.get(name))
