"""The verdict on advice that follows from an effect."""

from collections.abc import Mapping
from typing import NamedTuple

from ..stats.hypothesis import Effect
from .finding import INCONCLUSIVE, NOT_MEASURED


class AdviceVerdict(NamedTuple):
    """The verdict, and what the evidence adds to the effect: its own verdict, where that gives none on the advice."""

    verdict: str
    remark: str = ""


def advice_verdict(effect: Effect, verdicts: Mapping[str, str]) -> AdviceVerdict:
    """The verdict that `verdicts` has for that of the effect.

    An effect that four blocks leave open is *inconclusive*; one of fewer blocks decides nothing.
    """
    if effect.verdict in verdicts:
        return AdviceVerdict(verdicts[effect.verdict])
    if effect.verdict == INCONCLUSIVE and effect.interval is not None:
        return AdviceVerdict(INCONCLUSIVE)
    return AdviceVerdict(NOT_MEASURED, f" ({effect.verdict})")
