"""What an experiment profile is: its arms and searches, and the scale of its data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from analysis.capacity.bracket import MAX_P95_MS
from workbench.primary_metrics import PrimaryMetric


@dataclass(frozen=True)
class Arm:
    """One deployment under one scenario, in the first `blocks` blocks; `load_s` is how long a run is expected to take.

    An arm that is `replicated` runs two times in each block: the difference of the two is noise. `changes` are fields
    of the scenario, see `scenario_changes.override`.
    """

    deployment: str
    scenario: str
    blocks: int
    load_s: float
    replicated: bool = False
    changes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Search:
    """A search for the capacity of a deployment, in requests a second (`open`) or users (`sustained`).

    A load counts as sustained or not after `blocks` blocks. The run of `base` under `base_scenario` is what a model
    predicts the capacity from; without one the search begins with the load `first`. `most` is the largest load to try;
    None stands for that of the family. `p95_ms` is the objective: the bound on p95 of every endpoint.
    """

    deployment: str
    family: Literal["open", "sustained"]
    first: int
    most: int | None = None
    warmup_s: float = 5.0
    duration_s: float = 20.0
    base: str = ""
    base_scenario: str = ""
    blocks: int = 1
    p95_ms: float = MAX_P95_MS


@dataclass(frozen=True)
class Profile:
    """The arms and searches of an experiment, and the scale of its data.

    Only the `primary` metrics get verdicts. `sentinel` runs before, between and after the blocks of the searches, and
    shows whether the machine changed. A run of an arm that a disturbance made invalid is made again up to `repeats`
    times: an arm with one block has no other run.
    """

    description: str
    scale: str
    arms: tuple[Arm, ...] = ()
    searches: tuple[Search, ...] = ()
    sentinel: Arm | None = None
    primary: tuple[PrimaryMetric, ...] = ()
    repeats: int = 0
