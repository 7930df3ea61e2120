"""What it would take to decide an inconclusive effect: blocks, and the minutes that they take to measure."""

from collections.abc import Iterable
from datetime import datetime

from workbench.recording import Experiment, Run

from ..stats.confidence import MIN_BLOCKS
from ..stats.hypothesis import Effect
from ..stats.power import MAX_BLOCKS
from .finding import INCONCLUSIVE, Finding
from .wording import counted, effect_size


def blocks_required(effect: Effect) -> int | None:
    """The blocks that would decide an effect with a power of 80 %; None for more than `MAX_BLOCKS`.

    Below `MIN_BLOCKS` blocks the spread is not known, and the answer is that there would be an interval.
    """
    return MIN_BLOCKS if effect.power is None else effect.blocks_required


def minutes_required(blocks: int | None, arms: Iterable[tuple[Experiment, str, str]]) -> float | None:
    """The minutes that so many blocks of these arms take: (experiment, deployment, scenario) of each.

    From the runs that were measured, A/A replicates included; None where the number of blocks is not known, or an arm
    has no run that says how long it took.
    """
    block_s = [_seconds_a_block(experiment.find(*arm)) for experiment, *arm in arms]
    known_s = [seconds for seconds in block_s if seconds is not None]
    if blocks is None or len(known_s) < len(block_s):
        return None
    return blocks * sum(known_s) / 60


def _seconds_a_block(runs: list[Run]) -> float | None:
    """The wall time (s) of the runs of one arm in a block, their starts and ends included."""
    times_s = [_seconds(run.record) for run in runs]
    known_s = [seconds for seconds in times_s if seconds is not None]
    return sum(known_s) / len({run.block for run in runs}) if known_s else None


def _seconds(record: dict) -> float | None:
    try:
        started, ended = (datetime.fromisoformat(record.get(name) or "") for name in ("started", "ended"))
    except ValueError:
        return None
    return (ended - started).total_seconds()


def effort(finding: Finding) -> str:
    """`minimum detectable effect 12%; 23 blocks required, 9 minutes`.

    Empty for a finding that is decided, and for one that more blocks would not decide.
    """
    detectable, blocks = finding.minimum_detectable_effect, finding.blocks_required
    if finding.verdict != INCONCLUSIVE or (detectable is None and blocks is None):
        return ""
    valid = "valid " if finding.n is not None and finding.n < MIN_BLOCKS else ""  # of more blocks some may be invalid
    required = f"more than {MAX_BLOCKS} blocks" if blocks is None else counted(blocks, f"{valid}block")
    return "; ".join(
        [
            *([f"minimum detectable effect {effect_size(detectable)}"] if detectable else []),
            f"{required} required{minutes(finding)}",
        ]
    )


def minutes(finding: Finding) -> str:
    """`, 9 minutes`; empty where they are not known."""
    if finding.minutes_required is None:
        return ""
    whole = round(finding.minutes_required)
    return f", {counted(whole, 'minute')}" if whole else ", less than a minute"
