"""The waterfall from one mean latency of an arm to another: what each part of the time of a request changed by.

The parts are those of the server timing (`workbench.aggregates.SPLIT`). They are means, which add up; percentiles do
not. Symbols: x̄ is the mean over the blocks of a part's mean of one run, in ms, SE the standard error of x̄_B − x̄_A by
Welch (1947), t the quantile (1 + level)/2 of Student's t with Welch's degrees of freedom.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.aggregates import SPLIT
from workbench.recording import Experiment, arm

from .stats.confidence import LEVEL, MIN_BLOCKS
from .stats.hypothesis import unpaired

LATENCY = "latency"


@dataclass(frozen=True)
class Step:
    """What one part takes before and after (ms), and the difference with its interval x̄_B − x̄_A ± t·SE.

    The interval is None where either side has fewer than `MIN_BLOCKS` blocks.
    """

    part: str
    before_ms: float
    after_ms: float
    low_ms: float | None = None
    high_ms: float | None = None

    @property
    def difference_ms(self) -> float:
        """After less before."""
        return self.after_ms - self.before_ms

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper end of the difference (ms)."""
        return None if self.low_ms is None or self.high_ms is None else (self.low_ms, self.high_ms)


@dataclass(frozen=True)
class Waterfall:
    """The steps from one mean latency to another; `unmeasured` are the parts that not both sides recorded."""

    deployment: str
    scenario: str
    latency: Step
    parts: tuple[Step, ...]
    unmeasured: tuple[str, ...] = ()

    @property
    def unexplained_ms(self) -> float:
        """The difference of the latency less those of all parts: what the parts do not contain."""
        return self.latency.difference_ms - sum(step.difference_ms for step in self.parts)


def waterfall_between(before: Experiment, after: Experiment, deployment: str, scenario: str) -> Waterfall | None:
    """Return the waterfall of an arm from one experiment to another.

    None where either has no successful response, dropped arrivals, or no server timing of the arm.
    """
    sides = [parts_by_block(experiment, deployment, scenario) for experiment in (before, after)]
    if any(side.empty or not np.isfinite(side[LATENCY]).all() for side in sides):
        return None
    measured = [part for part in SPLIT if all(side[part].notna().all() for side in sides)]
    if not measured:
        return None
    return Waterfall(
        deployment,
        scenario,
        _step(LATENCY, sides),
        tuple(_step(part, sides) for part in measured),
        tuple(part for part in SPLIT if part not in measured and any(side[part].notna().any() for side in sides)),
    )


def parts_by_block(experiment: Experiment, deployment: str, scenario: str) -> pd.DataFrame:
    """Return a row for each block: the mean latency (ms) of the arm's successful responses, and that of each part.

    Endpoints count by their responses, two runs of a block each as much as the other.
    """
    rows = arm(experiment.by_endpoint, deployment, scenario)
    rows = rows[rows["successful"] > 0]
    columns = {LATENCY: "mean_ms", **{part: f"{part}_ms" for part in SPLIT}}
    weighted = rows[list(columns.values())].multiply(rows["successful"], axis=0).groupby([rows["block"], rows["run"]])
    # The mean of a part that some endpoint lacks is not known.
    means = weighted.sum(skipna=False).div(rows.groupby(["block", "run"])["successful"].sum(), axis=0)
    return means.rename(columns={column: name for name, column in columns.items()}).groupby("block").mean()


def _step(part: str, sides: Sequence[pd.DataFrame]) -> Step:
    before, after = (side[part].to_numpy(dtype=float) for side in sides)
    step = Step(part, float(before.mean()), float(after.mean()))
    if min(len(before), len(after)) < MIN_BLOCKS:
        return step
    half_width = unpaired(before, after).half_width(LEVEL)
    return Step(part, step.before_ms, step.after_ms, step.difference_ms - half_width, step.difference_ms + half_width)
