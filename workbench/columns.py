"""The columns of a recorded table, each declared once: schema, reading, defects and documentation follow from it."""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

SINCE_START = "µs since the start of the run"
# The largest value of a column by its unit, far above what a run can measure: a larger one was never recorded.
_LARGEST = {"µs": 30 * 86_400 * 10**6, SINCE_START: 30 * 86_400 * 10**6, "ns": 2**62, "bytes": 2**50}
LARGEST_COUNT = 2**40
MAX_TEXT_BYTES = 8192


@dataclass(frozen=True)
class Column:
    """One column: its name and type on disk, its unit, and what it means.

    `question` completes "without it … cannot be answered". It is empty for a column without which nothing can be
    answered about the table. `words` are the texts that it may hold, any where it is empty;
    `limit` is its largest value where that is not the one of its unit, and `is_signed` says that it can be negative.
    """

    name: str
    type: pa.DataType
    unit: str
    meaning: str
    question: str = ""
    words: tuple[str, ...] = ()
    limit: int = 0
    is_signed: bool = False

    @property
    def largest(self) -> int:
        """The largest value that can have been recorded."""
        return self.limit or _LARGEST.get(self.unit, LARGEST_COUNT)

    @property
    def smallest(self) -> int:
        """The smallest value that can have been recorded: a duration or a count is not negative."""
        return -self.largest if self.is_signed or self.unit == SINCE_START else 0


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """The Arrow schema of these columns, in their order."""
    return pa.schema([(column.name, column.type) for column in columns])
