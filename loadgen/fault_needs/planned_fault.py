"""A fault as a scenario declares it: which one, and when."""

from typing import NamedTuple


class PlannedFault(NamedTuple):
    """A fault of `workbench.faults.KINDS` by its `name`.

    It begins `at_s` seconds after the release of the users, warm-up included, and is in force for `duration_s` seconds.
    """

    name: str
    at_s: float
    duration_s: float
