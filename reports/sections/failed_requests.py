"""With what requests failed on arms of a user's own: the kinds of failures, and the runs without any success."""

from collections.abc import Iterator, Sequence

import pandas as pd

from workbench.failures import kinds_text
from workbench.recording import Experiment
from workbench.request_schema import DRAIN, MEASURE, START, STOP, WARM_UP

from ..markup import Html
from ..tables import remark
from .comparison import prose

MAX_KINDS, MAX_RUNS = 5, 5  # that a line names; others are counted
# How a line on the failures of a phase begins. Only those of the measured phase are in the table above it.
BEGINNINGS = {
    MEASURE: "Failed with",
    START: "Failed before the load, in on_start, and not counted above",
    WARM_UP: "Failed in the warm-up, and not counted above",
    DRAIN: "Failed after the end of the load, and not counted above",
    STOP: "Failed in on_stop, and not counted above",
}


def by_arm(kinds: pd.DataFrame, arms: Sequence[str]) -> Iterator[Html]:
    """A line for each phase in which requests failed under one load, with the most frequent kinds of each arm.

    `kinds` are the rows of `failures.kinds_by_arm` of this load.
    """
    for phase, beginning in BEGINNINGS.items():
        of_phase = kinds[kinds["phase"] == phase]
        texts = [f"{arm} {_kinds(of_phase[of_phase['deployment'] == arm])}" for arm in arms
                 if arm in set(of_phase["deployment"])]  # fmt: skip
        if texts:
            yield remark(f"{beginning}: {'; '.join(texts)}.")


def _kinds(rows: pd.DataFrame) -> str:
    return kinds_text(zip(rows["kind"], rows["failures"], strict=True), max_kinds=MAX_KINDS)


def without_success(experiment: Experiment) -> Html:
    """Names the valid runs of which no request succeeded; empty where there is none."""
    by_run = experiment.by_run
    names = list(by_run.loc[(by_run["requests"] > 0) & (by_run["successful"] == 0), "run"])
    if not names:
        return Html("")
    more = f" and {len(names) - MAX_RUNS} more" if len(names) > MAX_RUNS else ""
    run = "this valid run" if len(names) == 1 else f"these {len(names)} valid runs"
    return prose(f"No request of {run} succeeded: {', '.join(names[:MAX_RUNS])}{more}.")
