"""The loads that a capacity search tries next. A prediction guides the search; only measurement decides."""

import math
from collections.abc import Iterator, Sequence

from .bracket import Probe, TriedLoad, by_load

TARGET_RATIO = 1.15  # of upper to lower bound: a bracket that is finer than this is not made smaller
MAX_STEP = 2.0  # by ratio
MAX_DOUBLINGS = 3  # of a step of TARGET_RATIO, after which it would be longer than MAX_STEP
MAX_PROBES = 60  # of one search
EXPECTED_PROBES = 5  # until a search has a bracket


def next_loads(
    probes: Sequence[Probe],
    first: float,
    lowest: float,
    highest: float,
    *,
    predicted: float | None = None,
    blocks: int = 1,
) -> tuple[float, ...]:
    """The loads to try next, whole numbers, each once; none when the bracket is fine enough and its ends are decided.

    1. The load `first`.
    2. The `predicted` capacity, then steps from it outwards by TARGET_RATIO to the powers 1, 2, 4 …, until one load is
       sustained and one is not. Without a prediction each step is MAX_STEP.
    3. The geometric mean of the ends, until their ratio is at most TARGET_RATIO.
    4. The ends, until each has a valid run in so many `blocks`. Where an end is sustained in some of them only, the
       search goes on beside it.

    A load whose run is invalid is tried once more. Where that is invalid too, the generator cannot make the load: the
    search stays below it, but it is no upper bound.
    """
    tried = by_load(probes)
    if not tried:
        return (_rounded(first, lowest, highest),)
    if len(probes) >= MAX_PROBES:
        return ()
    if unknown := next((load.load for load in tried if load.is_unknown), None):
        return (unknown,)
    below, above = _ends(tried)
    known = {load.load for load in tried}
    for candidate in _candidates(tried, below, above, predicted):
        if (load := _rounded(candidate, lowest, highest)) not in known:
            return (load,)
    return tuple(end.load for end in (below, above) if end and end.is_measurable and end.valid < blocks)


def remaining_probes(probes: Sequence[Probe], blocks: int = 1) -> int:
    """About how many probes a search has yet to make; a guess until a load was sustained and another was not."""
    below, above = _ends(by_load(probes))
    if not (below and above):
        return max(EXPECTED_PROBES - len(probes), 1) + 2 * (blocks - 1)
    # The geometric mean halves the logarithm of the bracket's ratio.
    halvings = max(0, math.ceil(math.log2(math.log(above.load / below.load) / math.log(TARGET_RATIO))))
    return halvings + sum(max(0, blocks - end.valid) for end in (below, above))


def _ends(tried: Sequence[TriedLoad]) -> tuple[TriedLoad | None, TriedLoad | None]:
    """The largest load below the ceiling that was always sustained, and the ceiling.

    The ceiling is the smallest load that was never sustained, or that the generator cannot make.
    """
    above = next((load for load in tried if not load.is_measurable or not load.sustained), None)
    below = [
        load
        for load in tried
        if load.is_measurable and load.is_always_sustained and (not above or load.load < above.load)
    ]
    return (below[-1] if below else None), above


def _candidates(
    tried: Sequence[TriedLoad], below: TriedLoad | None, above: TriedLoad | None, predicted: float | None
) -> Iterator[float]:
    """Yield the loads that would make the bracket finer, the best first."""
    if predicted is not None and _is_between(predicted, below, above) and not any(load.is_mixed for load in tried):
        yield predicted
    if not above:
        yield max(tried[-1].load + 1, tried[-1].load * _step(_tried_beyond(tried, predicted, 1)))
    if not below:
        yield min(tried[0].load - 1, tried[0].load / _step(_tried_beyond(tried, predicted, -1)))
    if below and above:
        between = [load.load for load in tried if below.load <= load.load <= above.load]
        for low, high in dict.fromkeys(((between[0], between[1]), (between[-2], between[-1]))):
            if high / low > TARGET_RATIO:
                yield (low * high) ** 0.5


def _is_between(load: float, below: TriedLoad | None, above: TriedLoad | None) -> bool:
    return (not below or load > below.load) and (not above or load < above.load)


def _tried_beyond(tried: Sequence[TriedLoad], predicted: float | None, side: int) -> int | None:
    """How many loads were tried at the predicted one and above (`side` 1) or below it (-1); None without one."""
    return None if predicted is None else sum(side * load.load >= side * round(predicted) for load in tried)


def _step(tried_beyond: int | None) -> float:
    """The ratio of the next step, after so many loads on this side of the predicted one."""
    if tried_beyond is None or tried_beyond > MAX_DOUBLINGS:
        return MAX_STEP
    return TARGET_RATIO ** (2 ** max(0, tried_beyond - 1))


def _rounded(load: float, lowest: float, highest: float) -> float:
    return float(round(min(max(load, lowest), highest)))
