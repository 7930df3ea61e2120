"""The loads that a user declares for arms: scenarios with their users, and searches for capacity."""

from dataclasses import dataclass
from typing import Literal

from .scenarios import Scenario
from .target import Users


@dataclass(frozen=True)
class DeclaredLoad:
    """A scenario with its users, and in how many blocks it runs; 0 stands for those of the experiment."""

    scenario: Scenario
    users: Users
    blocks: int = 0


@dataclass(frozen=True)
class DeclaredSearch:
    """A search for the capacity of each arm, in requests a second (`open`) or users (`sustained`).

    It tries loads from `first` to `most`; one is sustained where p95 of every endpoint is at most `p95_ms` in each of
    `blocks` blocks.
    """

    name: str
    family: Literal["open", "sustained"]
    users: Users
    first: int
    most: int
    p95_ms: float
    warmup_s: float
    duration_s: float
    blocks: int
