"""Capacity: which loads are tried depends on what the ones before them showed.

Probes come in rounds: each search that is not at its end gets one probe in a round, in random order, so that what
changes on the machine meanwhile meets all of them.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from analysis import capacity
from analysis.capacity import Probe

from . import scenarios
from .profiles import Search
from .record import Order


class Round(NamedTuple):
    """The orders of a block, and about how many more there will be after it."""

    orders: list[Order]
    later: int


def rounds(
    searches: Sequence[Search], scale: str, seed: int, first_block: int, probe_of: Callable[[Order], Probe]
) -> Iterator[Round]:
    """The rounds, the same again from the same seed and the same probes; a round is a block.

    Between two of them every order of the first one has to be carried out: `probe_of` is asked what it showed.
    """
    shuffled = random.Random(f"{seed}/searches")
    tried: dict[Search, list[Probe]] = {search: [] for search in searches}
    block = first_block
    while asked := {search: load for search in searches if (load := _next(search, tried[search])) is not None}:
        turns = shuffled.sample(list(asked.items()), len(asked))
        orders = [
            Order(
                deployment=search.deployment,
                scenario=f"{search.family}-{load:.0f}",
                scale=scale,
                seed=seed * 1000 + block,
                changes={"warmup_s": search.warmup_s, "duration_s": search.duration_s},
                block=block,
                position=position,
            )
            for position, (search, load) in enumerate(turns)
        ]
        later = sum(max(0, capacity.still_to_try(tried[search]) - 1) for search in asked)
        yield Round(orders, later)
        for (search, _), order in zip(turns, orders, strict=True):
            tried[search].append(probe_of(order))
        block += 1


def _next(search, probes):
    _, highest = scenarios.FAMILIES[search.family]
    return capacity.next_load(probes, search.first, 1, search.most or highest)
