"""Which loads a search for capacity tries next: what a model foretells guides it, what was measured decides."""

import math
from collections.abc import Sequence

from .bracket import Probe, Tried, by_load

FINE_ENOUGH = 1.15  # a bracket whose ends are nearer than this is not made smaller
STEP = 2.0  # the longest, by ratio
DOUBLINGS = 3  # of a step of FINE_ENOUGH, after which it would be longer
MOST_PROBES = 60  # of one search
GUESS = 5  # loads that one tries until it has a bracket


def next_loads(
    probes: Sequence[Probe],
    first: float,
    lowest: float,
    highest: float,
    *,
    foretold: float | None = None,
    blocks: int = 1,
) -> tuple[float, ...]:
    """The loads to try next, whole numbers, each once; none when the bracket is fine enough and its ends are known.

    After the `first` load comes the one that is `foretold` to be the capacity, then steps from there that double, until
    one load holds and one does not; then the middle by ratio. Without a prediction each step is `STEP`. The ends of a
    bracket that is fine enough are tried until each was judged in so many `blocks`; where one then did not show the
    same each time, the search goes on beside it. A load whose runs cannot be believed is tried once more; as the
    generator cannot make it, it is a ceiling then, but refutes nothing.
    """
    tried = by_load(probes)
    if not tried:
        return (_within(first, lowest, highest),)
    if len(probes) >= MOST_PROBES:
        return ()
    if again := next((one.load for one in tried if one.is_open), None):
        return (again,)
    below, above = _ends(tried)
    wanted = _wanted(tried, below, above, foretold)
    known = {one.load for one in tried}
    for load in (_within(load, lowest, highest) for load in wanted):
        if load not in known:
            return (load,)
    return tuple(one.load for one in (below, above) if one and one.is_believed and one.judged < blocks)


def still_to_try(probes: Sequence[Probe], blocks: int = 1) -> int:
    """About how many probes a search has yet to make; a guess until it knows a load that held and a ceiling."""
    below, above = _ends(by_load(probes))
    if not (below and above):
        return max(GUESS - len(probes), 1) + 2 * (blocks - 1)
    # The middle by ratio halves the bracket's logarithm.
    halvings = max(0, math.ceil(math.log2(math.log(above.load / below.load) / math.log(FINE_ENOUGH))))
    return halvings + sum(max(0, blocks - one.judged) for one in (below, above))


def _ends(tried: Sequence[Tried]) -> tuple[Tried | None, Tried | None]:
    """The largest load that always held below the ceiling, and that: the smallest that never did, or not believed."""
    above = next((one for one in tried if not one.is_believed or not one.met), None)
    held = [one for one in tried if one.is_believed and one.met == one.judged and (not above or one.load < above.load)]
    return (held[-1] if held else None), above


def _wanted(tried, below, above, foretold):
    """The loads that would make the bracket finer, the most wanted first."""
    unknown = foretold is not None and (not below or foretold > below.load) and (not above or foretold < above.load)
    if unknown and not any(one.is_mixed for one in tried):
        yield foretold
    if not above:
        yield max(tried[-1].load + 1, tried[-1].load * _step(_beyond(tried, foretold, 1)))
    if not below:
        yield min(tried[0].load - 1, tried[0].load / _step(_beyond(tried, foretold, -1)))
    if below and above:
        between = [one.load for one in tried if below.load <= one.load <= above.load]
        for low, high in dict.fromkeys((tuple(between[:2]), tuple(between[-2:]))):
            if high / low > FINE_ENOUGH:
                yield (low * high) ** 0.5


def _beyond(tried, foretold, side):
    """How many loads were tried from the one that was foretold on upwards (1) or downwards (-1)."""
    return None if foretold is None else sum(side * one.load >= side * round(foretold) for one in tried)


def _step(made):
    """How far to go after so many loads on this side of the one that was foretold; None where none was."""
    return STEP if made is None or made > DOUBLINGS else FINE_ENOUGH ** (2 ** max(0, made - 1))


def _within(load, lowest, highest):
    return float(round(min(max(load, lowest), highest)))
