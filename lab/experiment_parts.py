"""What an experiment consists of: its arms, and what its deployments and scenarios are."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.recorded_experiment import planned
from workbench.recording import Experiment

from . import texts
from .shown import Shown

ARM_COLUMNS = ["deployment", "scenario", "planned", "valid"]
MADE_OF = {"deployment": "a set-up of the application", "scenario": "a load"}


def arms(experiment: Experiment) -> pd.DataFrame:
    """A row for each arm (`ARM_COLUMNS`), those of the scenario with the most runs first."""
    counts = Counter((each.get("deployment", "–"), each.get("scenario", "–")) for each in planned(experiment.record))
    rows = [(*arm, number, len(experiment.find(*arm))) for arm, number in counts.items()]
    table = pd.DataFrame(rows, columns=ARM_COLUMNS)
    runs = table["scenario"].map(table.groupby("scenario")["planned"].sum())
    return table.assign(runs=runs).sort_values(["runs", "scenario", "deployment"], ascending=[False, True, True]).drop(
        columns="runs"
    )  # fmt: skip


def described(experiment: Experiment, kind: str) -> Shown:
    """A row for each `deployment` or `scenario` with its description, those with the most runs first."""
    counts = Counter(getattr(run, kind) for run in experiment.runs)
    descriptions = {getattr(run, kind): _description(run.record[kind]) for run in experiment.runs}
    rows = [(name, descriptions[name], number) for name, number in counts.most_common()]
    table = pd.DataFrame(rows, columns=[kind, "description", "runs"])
    return Shown([f"{texts.counted(len(rows), kind)}; each is {MADE_OF[kind]}"], table)


def _description(record: Mapping[str, Any]) -> str:
    """What a deployment or scenario is; with the times of a load that was run for others."""
    text = record.get("description") or ""
    if not record.get("overridden") or not record.get("duration_s"):
        return text
    return f"{text} Here: {record['duration_s']:g} s after {record['warmup_s']:g} s of warm-up."
