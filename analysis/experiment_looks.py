"""The level of the effects of an experiment: that of its look, where it was looked at several times."""

from collections.abc import Mapping
from typing import Any

from workbench import looks
from workbench.recording import Experiment

from .stats.confidence import LEVEL, MIN_BLOCKS
from .stats.group_sequential import Looks


def looks_of(record: Mapping[str, Any]) -> Looks:
    """The planned interim analyses of an experiment; without any, one after each block from `MIN_BLOCKS` on."""
    if fixed := looks.fixed(record):
        return Looks(fixed)
    blocks = max((entry.get("block", 0) + 1 for entry in record["runs"]), default=MIN_BLOCKS)
    return Looks.every(1, max(blocks, MIN_BLOCKS))


def level_of(experiment: Experiment) -> float:
    """The level of tests and intervals of an experiment: `LEVEL` for a number of blocks that was fixed beforehand.

    Between two looks it is that of the next one.
    """
    if not looks.fixed(experiment.record):
        return LEVEL
    blocks = max((run.block + 1 for run in experiment.runs if run.status == "complete"), default=MIN_BLOCKS)
    return looks_of(experiment.record).level_at(blocks)
