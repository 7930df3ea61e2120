"""Rows of values without a time of send: those of a histogram, or of percentiles."""

from collections.abc import Iterator

import numpy as np

from workbench.errors import UserError
from workbench.imported import FAILURES, SENDS, STATUSES, VALUES

from .grouped_values import MAX_VALUES
from .result_file import ResultFile
from .staged_rows import Reading, StagedRow

REPRESENTATIVES = "its rows stand for the counts of the file: a value is one of its interval, and has no time of send"


def rows(endpoint: str, values_us: np.ndarray, failures: int = 0, reason: str | None = None) -> Iterator[StagedRow]:
    """Yield a row for each value; `failures` more have none."""
    yield from (StagedRow(None, value, endpoint) for value in np.rint(values_us).astype(np.int64).tolist())
    yield from (StagedRow(None, None, endpoint, None, None, False, reason) for _ in range(failures))


def reading(*, knows_failures: bool = False) -> Reading:
    """What is not known of such a file."""
    unknown = [SENDS, VALUES, STATUSES, *([] if knows_failures else [FAILURES])]
    return Reading(unknown=unknown, notes=[REPRESENTATIVES])


def require_countable(source: ResultFile, number: int) -> None:
    """Raise `UserError` for more values than are written as rows."""
    if number > MAX_VALUES:
        raise UserError(f"{source.named} counts {number:,} values, and at most {MAX_VALUES:,} become rows; import the "
                        "histogram of a shorter time")  # fmt: skip
