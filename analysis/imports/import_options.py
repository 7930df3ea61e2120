"""What a user says of files that do not say it themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

UNITS_US = {"ns": 0.001, "us": 1.0, "ms": 1_000.0, "s": 1_000_000.0}  # µs of each unit of time


@dataclass(frozen=True)
class ImportOptions:
    """Options of an import; what is empty is found in the file, or refused.

    `unit` is that of the values of a histogram, one of `UNITS_US`. `stamps_end` says that time stamps of JMeter are of
    the end of a sample. `delimiter` and `columns` are those of a table.
    """

    format: str = ""
    unit: str = ""
    stamps_end: bool = False
    delimiter: str = ""
    columns: Sequence[str] = ()
