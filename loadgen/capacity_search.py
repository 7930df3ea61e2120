"""Capacity: which loads are tried depends on what a model foretells and on what the loads before them showed.

Probes come in rounds: each search that is not at its end gets its next loads in a round, in random order, so that what
changes on the machine meanwhile meets all of them.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from analysis.capacity import next_loads
from analysis.capacity.bracket import Probe

from . import scenarios
from .profiles import Search
from .record_writer import Order

BEFORE = 0.75  # of the capacity that is foretold, the first load: there p95 does not hang on a percent of load


class Round(NamedTuple):
    """The orders of a block, the search that each belongs to, and about how many more there will be after it."""

    orders: list[Order]
    searches: list[Search]
    later: int


def rounds(
    searches: Sequence[Search],
    scale: str,
    seed: int,
    first_block: int,
    probe_of: Callable[[Order], Probe],
    foretell: Callable[[Search], float | None] = lambda search: None,
) -> Iterator[Round]:
    """The rounds, the same again from the same seed, predictions and probes; a round is a block.

    `foretell` is asked once for each search which capacity is foretold, if one is. Between two rounds every order of
    the first one has to be carried out: `probe_of` is asked what it showed.
    """
    shuffled = random.Random(f"{seed}/searches")
    foretold = {search: foretell(search) for search in searches}
    tried: dict[Search, list[Probe]] = {search: [] for search in searches}
    block = first_block
    while asked := [(search, load) for search in searches for load in _next(search, tried[search], foretold[search])]:
        turns = shuffled.sample(asked, len(asked))
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
        going_on = {search for search, _ in asked}
        later = sum(next_loads.still_to_try(tried[search], search.blocks) for search in going_on) - len(asked)
        yield Round(orders, [search for search, _ in turns], max(0, later))
        for (search, _), order in zip(turns, orders, strict=True):
            tried[search].append(probe_of(order))
        block += 1


def _next(search, probes, foretold):
    _, highest = scenarios.FAMILIES[search.family]
    first = search.first if foretold is None else BEFORE * foretold
    return next_loads.next_loads(probes, first, 1, search.most or highest, foretold=foretold, blocks=search.blocks)
