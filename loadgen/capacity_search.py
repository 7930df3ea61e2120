"""Capacity search: the runs of each round, from predictions and from the probes of the rounds before.

Each search that has not come to its end gets its next loads in a round, in random order: a change of the machine during
the experiment affects all searches.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from analysis.capacity.bracket import Probe
from analysis.capacity.next_loads import next_loads, remaining_probes

from . import scenarios
from .profiles import Search
from .run_spec import RunSpec

FIRST_SHARE = 0.75  # first load over predicted capacity: there p95 does not depend on a percent of load


class Round(NamedTuple):
    """The runs of a block (`specs`), the search that each belongs to, and about how many runs follow after it."""

    specs: list[RunSpec]
    searches: list[Search]
    later: int


def rounds(
    searches: Sequence[Search],
    scale: str,
    seed: int,
    first_block: int,
    probe_of: Callable[[RunSpec], Probe],
    predict: Callable[[Search], float | None] = lambda search: None,
) -> Iterator[Round]:
    """Yield the rounds; each is a block. The same seed, predictions and probes give the same rounds.

    `predict` is called once for each search, for its predicted capacity, if there is one. The caller carries out all
    runs of a round before it takes the next one: `probe_of` is then called for their probes.
    """
    shuffled = random.Random(f"{seed}/searches")
    predicted = {search: predict(search) for search in searches}
    tried: dict[Search, list[Probe]] = {search: [] for search in searches}
    block = first_block
    while loads := [(search, load) for search in searches for load in _next(search, tried[search], predicted[search])]:
        turns = shuffled.sample(loads, len(loads))
        specs = [
            _spec(search, load, scale=scale, seed=seed * 1000 + block, block=block, position=position)
            for position, (search, load) in enumerate(turns)
        ]
        unfinished = {search for search, _ in loads}
        later = sum(remaining_probes(tried[search], search.blocks) for search in unfinished) - len(loads)
        yield Round(specs, [search for search, _ in turns], max(0, later))
        for (search, _), spec in zip(turns, specs, strict=True):
            tried[search].append(probe_of(spec))
        block += 1


def _spec(search: Search, load: float, *, scale: str, seed: int, block: int, position: int) -> RunSpec:
    return RunSpec(
        deployment=search.deployment,
        scenario=f"{search.family}-{load:.0f}",
        scale=scale,
        seed=seed,
        changes={"warmup_s": search.warmup_s, "duration_s": search.duration_s},
        block=block,
        position=position,
    )


def _next(search: Search, probes: Sequence[Probe], predicted: float | None) -> tuple[float, ...]:
    highest = search.most or scenarios.FAMILIES[search.family].max_number
    first = search.first if predicted is None else FIRST_SHARE * predicted
    return next_loads(probes, first, 1, highest, predicted=predicted, blocks=search.blocks)
