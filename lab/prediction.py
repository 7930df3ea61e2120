"""A what-if prediction in the lab: a deployment with other settings, beside what earlier predictions were worth."""

import math
from collections.abc import Generator, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from analysis.capacity.bracket import UNITS, load_of
from analysis.capacity.predictions import DIRECTORY, PredictedRun, predicted_runs
from analysis.metrics.arm_metrics import duration_s
from analysis.queueing.burst_simulation import predict_burst, prediction_table
from analysis.queueing.changed_settings import cached_endpoints, changed_settings
from analysis.queueing.preconditions import PredictionError
from analysis.queueing.what_if import DURATION_S as SETTLED_DURATION_S
from analysis.queueing.what_if import MAX_LOAD, DeploymentModel, Family, finished
from analysis.queueing.what_if import WARMUP_S as SETTLED_WARMUP_S
from workbench.arms import SINGLE
from workbench.errors import RecordingError, UserError
from workbench.recording import Experiment, Run, open_experiment

from . import plot_style, texts
from .prediction_checks import Check, checks, sentences
from .shown import Shown

COLUMNS = ["metric", "as it was measured", "predicted as it is", "predicted with the change"]
COSTS = {"hash_ms", "hit_ratio"}  # of what requests need: no settings of a deployment
WARMUP_S, DURATION_S = 10.0, 10.0  # of a simulation of the search for a capacity
MAX_RATIO, REPLICATIONS = 1.08, 3  # two seeds give capacities that differ as much
TRACK_COLUMNS = ["experiment", "run", "written", "predicted_ms", "measured_ms", "error"]
MAX_EXPERIMENTS = 10  # the newest ones whose predictions are shown
MS_PER_S = 1_000
BURST = "burst"
TRACK_PX = 320


def predict_load(experiment: Experiment, deployment: str, load: str, settings: Mapping[str, float | str]) -> Shown:
    """Predict a deployment with other settings under a load: `burst-50`, `sustained-300` or `open-400`.

    The table has each metric as it was measured, as the model predicts it without a change, and with it; the first two
    say how far to trust the model without a change. Other set-ups of the experiment that it covers are predicted too,
    and compared with their measurement. Where the model does not cover the prediction the result says why. Raises
    `UserError` for a load and for a setting that is not valid.
    """
    family, _, number = load.partition("-")
    if not (number.isascii() and number.isdecimal() and int(number)) or family not in (BURST, *MAX_LOAD):
        raise UserError(f"{load!r} is not a load; there are burst-USERS, sustained-USERS and open-RATE, as in burst-50")
    try:
        if family == BURST:
            run, table, checked = _burst(experiment, deployment, int(number), settings)
        else:
            run, table, checked = _steady(
                experiment, deployment, "open" if family == "open" else "sustained", int(number), settings
            )
    except PredictionError as error:
        return Shown([f"This cannot be predicted: {error}."], pd.DataFrame(columns=COLUMNS))
    record = track_record(experiment)
    lines = [*_sentences(deployment, load, settings, run, table), *sentences(checked, deployment)]
    return Shown([*lines, *track_sentences(record)], table, track_figure(record))


def _burst(
    experiment: Experiment, deployment: str, users: int, settings: Mapping
) -> tuple[Run, pd.DataFrame, list[Check]]:
    """The base run, the table of a burst (times in ms), and the checks by its duration."""
    runs = experiment.find(deployment, SINGLE)
    if not runs:
        raise PredictionError(
            f"a burst is predicted from single requests, and {deployment} has no valid run of {SINGLE}"
        )
    run, scenario = runs[0], f"{BURST}-{users}"
    unchanged = prediction_table(experiment, deployment, users).set_index("metric")
    changed = predict_burst(run, users, changed_settings(run, settings))
    if changed is None or unchanged.empty:
        raise PredictionError(f"{run.name} does not show the service demands of its requests")
    rows = MS_PER_S * pd.concat([unchanged["measured"], unchanged["predicted"], changed], axis=1)
    rows.columns = pd.Index(COLUMNS[1:])
    rows.index = pd.Index([f"{name} (ms)" for name in rows.index], name=COLUMNS[0])
    checked = checks(
        experiment,
        run,
        scenario,
        lambda others: MS_PER_S * _duration_s(predict_burst(run, users, others)),
        lambda name: MS_PER_S * (duration_s(experiment, name, scenario) or math.nan),
    )
    return run, rows.reset_index(), checked


def _duration_s(predicted: pd.Series | None) -> float:
    return math.nan if predicted is None else float(predicted["duration"])


def _steady(
    experiment: Experiment, deployment: str, family: Family, number: int, settings: Mapping
) -> tuple[Run, pd.DataFrame, list[Check]]:
    """The base run, the table of a steady load (p95 by endpoint in ms, and the capacity), and the checks by p95."""
    run = base_run(experiment, deployment)
    models = [model_of(run, {}), *([model_of(run, settings)] if settings else [])]
    measured = run.by_endpoint.set_index("endpoint") if _is_load(run, family, number) else None
    columns = [_column(model, family, number) for model in models]
    table = pd.DataFrame(dict(zip(COLUMNS[2:], (columns[0], columns[-1]), strict=True)))
    names = [str(name).partition(",")[0] for name in table.index]
    known = measured["response_p95_ms"].reindex(names).to_numpy() if measured is not None else None
    table.insert(0, COLUMNS[1], known)
    checked = checks(
        experiment,
        run,
        f"{family}-{number}",
        lambda others: DeploymentModel.from_run(run, others).predict(family, number).slowest_ms,
        lambda name: _slowest_ms(experiment, name, f"{family}-{number}"),
    )
    return run, table.rename_axis("metric").reset_index(), checked


def _column(model: DeploymentModel, family: Family, number: int) -> dict[str, float]:
    """The predicted p95 of each endpoint (ms), and the predicted capacity."""
    settled = model.with_duration(SETTLED_WARMUP_S, SETTLED_DURATION_S)
    p95_ms = {f"{name}, p95 (ms)": value for name, value in settled.predict(family, number).p95_ms.items()}
    capacity = finished(capacity_steps(model, family))
    return {**p95_ms, f"capacity ({UNITS[family]})": 0.0 if capacity is None else capacity}


def model_of(run: Run, settings: Mapping[str, Any]) -> DeploymentModel:
    """The model of the deployment of a run with other settings, `hash_ms` and `hit_ratio` included.

    Raises `PredictionError` where it does not cover them, and `UserError` for one that is not valid.
    """
    costs = {name: float(settings[name]) for name in COSTS & settings.keys()}
    others = {name: value for name, value in settings.items() if name not in COSTS}
    hit_ratios = dict.fromkeys(cached_endpoints(run), costs["hit_ratio"]) if "hit_ratio" in costs else None
    changed = changed_settings(run, others)
    return DeploymentModel.from_run(run, changed, hash_ms=costs.get("hash_ms"), hit_ratios=hit_ratios)


def capacity_steps(model: DeploymentModel, family: Family) -> Generator[None, None, float | None]:
    """Search the capacity of a deployment in steps of one simulation each, within a few seconds in all.

    The simulated warm-up is so long that most users have logged in: with a shorter one their logins reach into the
    measured phase, and the capacity is that of a start.
    """
    searched = model.with_duration(WARMUP_S, DURATION_S)
    return searched.capacity_steps(family, MAX_LOAD[family], max_ratio=MAX_RATIO, replications=REPLICATIONS)


def _slowest_ms(experiment: Experiment, deployment: str, scenario: str) -> float:
    """The p95 response time of the slowest endpoint, the mean over the runs of an arm."""
    return fmean(float(run.by_endpoint["response_p95_ms"].max()) for run in experiment.find(deployment, scenario))


def _is_load(run: Run, family: str, number: int) -> bool:
    return run.record["scenario"]["kind"] == family and load_of(run) == number


def base_run(experiment: Experiment, deployment: str) -> Run:
    """The run of a deployment under the lowest steady load. Raises `PredictionError` where it has none."""
    steady = [run for run in experiment.runs_of(deployment) if run.record["scenario"].get("steady")]
    if not steady:
        raise PredictionError(
            f"{deployment} has no valid run under a steady load (sustained or open) in {experiment.name}"
        )
    return min(steady, key=lambda run: (load_of(run), len(run.scenario)))  # of variants of a load the plain one


def track_record(experiment: Experiment) -> pd.DataFrame:
    """The predictions that were written before their runs (`TRACK_COLUMNS`), those of other experiments included."""
    rows = [_track_row(experiment.name, each) for each in predicted_runs(experiment)[0]]
    for other in _others(experiment):
        rows += [_track_row(other.name, each) for each in predicted_runs(other)[0]]
    return pd.DataFrame(rows, columns=TRACK_COLUMNS)


def _others(experiment: Experiment) -> Iterator[Experiment]:
    """The newest other experiments beside this one with predictions; one that cannot be read is left out."""
    folders = sorted(experiment.directory.parent.glob(f"*/{DIRECTORY}"), reverse=True)
    for folder in [path.parent for path in folders if path.parent != experiment.directory][:MAX_EXPERIMENTS]:
        try:
            yield open_experiment(Path(folder))
        except RecordingError:
            continue


def _track_row(experiment: str, each: PredictedRun) -> dict:
    written = datetime.fromisoformat(each.prediction.written)
    values = experiment, each.run.name, f"{written:%Y-%m-%d %H:%M}", each.predicted_ms, each.measured_ms, each.error
    return dict(zip(TRACK_COLUMNS, values, strict=True))


def _sentences(deployment: str, load: str, settings: Mapping, run: Run, table: pd.DataFrame) -> list[str]:
    changes = ", ".join(f"{name}={value}" for name, value in settings.items()) or "no change"
    first = table.iloc[0]
    without, with_change = first[COLUMNS[2]], first[COLUMNS[3]]
    prediction = (
        f"{deployment} under {load} with {changes}: {first['metric']} from {texts.number(without)} to "
        f"{texts.number(with_change)}, × {with_change / without:.2f}, predicted, not measured (from {run.name})."
    )
    return [prediction, _check(without, first[COLUMNS[1]])]


def _check(predicted: float, measured: float | None) -> str:
    """What the model says about the set-up as it is, beside what was measured."""
    if measured is None or pd.isna(measured):
        return "This load was not measured on the deployment as it is, so this prediction has no check here."
    return (
        f"As it is, the model predicts {texts.number(predicted)} where {texts.number(measured)} was measured, an error "
        f"of {predicted / measured - 1:+.0%}; this says nothing about the change itself."
    )


def track_sentences(record: pd.DataFrame) -> list[str]:
    """How many predictions were written before their runs, and how near half of them came; none without any."""
    finite = record[record["error"] > -1]
    if finite.empty:
        return []
    worst = finite["error"].abs().median()
    return [f"{texts.counted(len(finite), 'prediction')} were written before their runs; half are within {worst:.0%}."]


def track_figure(record: pd.DataFrame) -> go.Figure | None:
    """Predicted against measured p95, with the date on which each was written; None without any."""
    finite = record[record["error"] > -1]
    if finite.empty:
        return None
    made = plot_style.figure(height_px=TRACK_PX, showlegend=False)
    ends = [
        finite[["predicted_ms", "measured_ms"]].min(axis=None),
        finite[["predicted_ms", "measured_ms"]].max(axis=None),
    ]
    line = {"color": plot_style.NEUTRAL, "dash": "dot"}
    made.add_trace(go.Scatter(x=ends, y=ends, mode="lines", line=line, hoverinfo="skip"))
    made.add_trace(
        go.Scatter(
            x=finite["predicted_ms"],
            y=finite["measured_ms"],
            mode="markers",
            customdata=finite[["run", "written"]],
            hovertemplate="%{customdata[0]}, written %{customdata[1]}: predicted %{x:.1f} ms, measured %{y:.1f} ms"
            "<extra></extra>",
        )
    )
    made.update_xaxes(plot_style.log_axis("predicted p95 (ms)"))
    made.update_yaxes(plot_style.log_axis("measured p95 (ms)"))
    return made
