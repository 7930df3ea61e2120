"""Runs whose files have gone or changed since they were opened: one line in the place of a traceback."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import pandas as pd
import pyarrow as pa

from workbench import defects, seal
from workbench.errors import RecordingError
from workbench.recording import Run
from workbench.request_schema import STORED, STREAMS

from .shown import Shown

View = TypeVar("View")
UNREADABLE = (RecordingError, OSError, pa.ArrowException)


def loss(run: Run, *, reads_all: bool = False) -> str:
    """Why the requests of a run cannot be read now, in one line; empty where they can.

    The file of a sealed run is compared in its size, another one is opened; with `reads_all` every value is read. What
    is in an object store was compared when it was copied.
    """
    if run.rows_file.url:
        return next((f"{run.name}: {defect.problem}" for defect in run.defects if defect.is_total), "")
    if not run.directory.is_dir():
        return f"{run.name} was deleted: there is no {run.directory} any more"
    if not run.rows_file.is_there():
        streamed = any(run.directory.glob(STREAMS))
        return "" if streamed else f"{run.name} has no {STORED} and no stream: it was deleted, or never written"
    if sealed := (run.record.get("files") or {}).get(STORED):
        problems = list(seal.size_mismatches(run.directory, {STORED: sealed}))
        if problems or not reads_all:
            return f"{run.name}: {STORED} {problems[0][1]} after the run had ended" if problems else ""
    if reads_all:
        total = (defect.problem for defect in defects.of_requests(run.directory, run.record) if defect.is_total)
        return next((f"{run.name}: {problem}" for problem in total), "")
    try:
        run.rows.query("SELECT count(*) FROM requests")
    except UNREADABLE as error:
        return reason(error)
    return ""


def reason(error: Exception) -> str:
    """The first line of the message of an error."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def present(runs: Sequence[Run], *, reads_all: bool = False) -> tuple[list[Run], list[str]]:
    """The runs whose requests can be read now, and a sentence for each other one; `reads_all` as in `loss`."""
    losses = {run: loss(run, reads_all=reads_all) for run in runs}
    return [run for run in runs if not losses[run]], [f"Left out: {text}." for text in losses.values() if text]


def or_loss(run: Run, make: Callable[[], View]) -> View | Shown:
    """What `make` gives, or one line where the run was deleted, or its files cannot be read."""
    try:
        if run.directory.is_dir():
            return make()
        lost = loss(run)
    except UNREADABLE as error:
        lost = loss(run, reads_all=True) or reason(error)
    return Shown([f"This cannot be shown: {lost}."], pd.DataFrame())
