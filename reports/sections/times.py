"""Where the time of requests goes on arms of a user's own: latency by endpoint, and the waterfall from the baseline."""

from collections.abc import Callable, Iterator, Sequence

import pandas as pd

from analysis.waterfall import LATENCY, waterfall
from analysis.waterfall_between import Step, Waterfall
from workbench import failures, imported
from workbench.declared_arms import KEY
from workbench.recording import Experiment
from workbench.redaction import redacted
from workbench.text_cleaning import Target, cleaned

from ..markup import Html
from ..tables import Quantity, folded, table
from ..waterfall_table import waterfall_table
from . import failed_requests
from .comparison import OF_SUCCESSES, RESPONSES_OF_SUCCESSES, Report, join, prose

WITHOUT_PARTS = (
    "The time of a request is not split into its parts: the application sends no Server-Timing. Two lines change that: "
    "from instrumentation import instrument; instrument(app, engine)."
)
IMPORTED_WITHOUT_PARTS = "The time of a request is not split into its parts: imported results have none."
MAX_OPEN = 2  # waterfalls, and tables of latency, that stand outside of a fold


def times(report: Report) -> Html:
    """The waterfalls from the first of the arms to each other one, and the latency of each endpoint under each load.

    Empty for an experiment that declares no arms.
    """
    experiment, arms = report.experiment, [arm.name for arm in report.arms]
    if not arms:
        return Html("")
    drawn = list(_waterfalls(experiment, arms))
    tables = list(_tables(experiment, arms))
    return join(
        failed_requests.without_success(experiment),
        *_folding(drawn, "waterfalls"),
        *([] if drawn or not tables or len(arms) < 2 else [prose(_without_parts(experiment))]),
        *_folding(tables, "loads"),
    )


def _tables(experiment: Experiment, arms: Sequence[str]) -> Iterator[Html]:
    """For each load the latency of its endpoints, and below it with what requests failed."""
    kinds = failures.kinds_by_arm(experiment.rows)
    for scenario in _scenarios(experiment):
        of_load = kinds[kinds["scenario"] == scenario]
        pieces = [_latency(experiment, scenario, arms), *failed_requests.by_arm(of_load, arms)]
        if present := [piece for piece in pieces if str(piece)]:
            yield join(*present)


def _without_parts(experiment: Experiment) -> str:
    return IMPORTED_WITHOUT_PARTS if imported.is_imported(experiment.record) else WITHOUT_PARTS


def _folding(pieces: Sequence[Html], noun: str) -> list[Html]:
    """The first pieces, and the others in a fold."""
    others = list(pieces[MAX_OPEN:])
    return [*pieces[:MAX_OPEN], *([folded(f"{len(others)} more {noun}", join(*others))] if others else [])]


def _scenarios(experiment: Experiment) -> list[str]:
    """The scenarios that arms are compared in, without the loads of a search."""
    measured = dict.fromkeys(run.scenario for run in experiment.usable)
    declared = experiment.record[KEY].get("scenarios") or measured
    return [name for name in declared if name in measured]


def _waterfalls(experiment: Experiment, arms: Sequence[str]) -> Iterator[Html]:
    baseline, *candidates = arms
    rows = experiment.by_endpoint
    for scenario in _scenarios(experiment):
        endpoints = sorted(set(rows.loc[rows["scenario"] == scenario, "endpoint"]))
        for candidate in candidates:
            changes = waterfall(experiment, baseline, candidate, scenario, endpoints)
            if changes:
                steps = {
                    part: Step(part, each.before_ms, each.after_ms, *(each.interval or (None, None)))
                    for part, each in changes.items()
                }
                latency = steps.pop(LATENCY)
                yield waterfall_table(
                    Waterfall(candidate, scenario, latency, tuple(steps.values())), baseline, candidate
                )


def _latency(experiment: Experiment, scenario: str, arms: Sequence[str]) -> Html:
    """A row for each endpoint on each arm under a load."""
    by_arm = experiment.by_arm
    rows = by_arm[(by_arm["scenario"] == scenario) & by_arm["deployment"].isin(arms) & (by_arm["endpoint"] != "reads")]
    is_open = any(run.is_open for run in experiment.usable if run.scenario == scenario)
    without_failures = {
        run.deployment for run in experiment.usable if not imported.knows(run.record, imported.FAILURES)
    }
    prefix = "response_" if is_open else ""
    shown = [
        {
            "endpoint": cleaned(redacted(row["endpoint"]), Target.LINE),
            "arm": row["deployment"],
            "requests": Quantity(row["requests"], "{:,.0f}"),
            "failed": Quantity.optional(None if row["deployment"] in without_failures else row["failures"], "{:,.0f}"),
            "mean (ms)": Quantity.optional(row[f"{prefix}mean_ms"], "{:,.1f}"),
            "p50 (ms)": Quantity.optional(row[f"{prefix}median_ms"], "{:,.1f}"),
            "p95 (ms)": Quantity.optional(row[f"{prefix}p95_ms"], "{:,.1f}"),
            "p99 (ms)": Quantity.optional(row[f"{prefix}p99_ms"], "{:,.1f}"),
        }
        for _, row in rows.sort_values(["endpoint", "deployment"], key=_order(arms)).iterrows()
    ]
    name = "Response time, from when a request was due" if is_open else "Latency"
    note = RESPONSES_OF_SUCCESSES if is_open else OF_SUCCESSES
    return table(pd.DataFrame(shown, dtype=object), f"{name}, under {scenario}", note=note)


def _order(arms: Sequence[str]) -> Callable[[pd.Series], pd.Series]:
    """The order of a column: arms as they were declared, the baseline first; endpoints by name."""
    places = {name: place for place, name in enumerate(arms)}
    return lambda column: column.map(places) if column.name == "deployment" else column
