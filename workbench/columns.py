"""The columns of a recorded table, each declared once: schema, reading, defects and documentation follow from it."""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """One column: its name and type on disk, its unit, and what it means.

    `question` completes "without it … cannot be answered". It is empty for a column without which nothing can be
    answered about the table.
    """

    name: str
    type: pa.DataType
    unit: str
    meaning: str
    question: str = ""


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """The Arrow schema of these columns, in their order."""
    return pa.schema([(column.name, column.type) for column in columns])
