"""Every recorded experiment in one table: its headline metrics against commit and time."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pandas as pd

from .. import environment_facts
from .experiment_summary import ExperimentSummary
from .summary_store import Summaries

FENCE = "fence"  # the column with what changed since the row above it


def history(directory: Path) -> tuple[pd.DataFrame, list[str]]:
    """A row for each experiment in the folder, by machine and then by time, and a message for each that cannot be read.

    Only rows of one `machine` without a `fence` between them compare: that names what changed of machine, versions,
    data and method since the row above it. `times faster` is the duration of 50 users at once on `as-measured` over
    that on `tuned`, with its interval from four blocks on. The sustained loads are the brackets of the capacity
    searches of `tuned`.
    """
    summaries = Summaries.of_folder(directory)
    return experiment_table(summaries.experiments), list(summaries.problems)


def experiment_table(experiments: Sequence[ExperimentSummary]) -> pd.DataFrame:
    """The table of these experiments, which are in its order."""
    fences = _fences(experiments) if experiments else []
    return pd.DataFrame([{**each.row, FENCE: fence} for each, fence in zip(experiments, fences, strict=True)])


def _fences(experiments: Sequence[ExperimentSummary]) -> list[str]:
    """What changed since the row above, for each row; empty on the first one of a machine and where nothing did."""
    texts = [""]
    for above, row in pairwise(experiments):
        is_comparable = above.row["machine"] == row.row["machine"]
        changed = environment_facts.fences(above.facts, row.facts)
        texts.append(", ".join(map(str, changed)) if is_comparable else "")
    return texts
