"""Capacity search: the runs of each round, from predictions and from the probes of the rounds before.

Each search that has not come to its end gets its next loads in a round, in random order: a change of the machine during
the experiment affects all searches. Something that takes the machine for minutes must not decide a bound: the probes
that confirm one lie minutes apart, and a sentinel between the rounds voids those around which the machine changed.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from analysis.capacity.bracket import Probe
from analysis.capacity.next_loads import MAX_PROBES, next_loads, remaining_probes
from analysis.capacity.sentinel import Sentinel, void_blocks

from . import scenarios
from .profile import Arm, Search
from .run_spec import RunSpec

FIRST_SHARE = 0.75  # first load over predicted capacity: there p95 does not depend on a percent of load
MIN_GAP_S = 200.0  # between the ends of two probes of one load: five of them span over ten minutes
GAP_TOLERANCE_S = 40.0  # a probe that would be due so soon is made now, with the others of its block

Load = tuple[Search, float]


class Round(NamedTuple):
    """The runs of a block, in their order: perhaps the first sentinel, the probes, the sentinel after them.

    `searches` has for each run of `specs` the search that it belongs to, None for a sentinel. About `later` runs follow
    after the block. It must not start before `not_before_s` (seconds since 1970, UTC).
    """

    specs: list[RunSpec]
    searches: list[Search | None]
    later: int
    not_before_s: float = 0.0


@dataclass
class _Progress:
    """What the rounds so far have shown."""

    tried: dict[Search, list[Probe]]
    sentinels: list[Sentinel] = field(default_factory=list)

    def counted(self, search: Search) -> list[Probe]:
        """The probes of a search in blocks that are not void."""
        void = void_blocks(self.sentinels)
        return [probe for probe in self.tried[search] if probe.block not in void]

    @property
    def now_s(self) -> float:
        """The end of the last run; not the clock, because a resumed experiment repeats its decisions."""
        probe_ends = (probe.ended_s for probes in self.tried.values() for probe in probes)
        return max([0.0, *probe_ends, *(sentinel.ended_s for sentinel in self.sentinels)])

    def due_s(self, load: Load) -> float:
        """The instant from which a load may be confirmed; 0 for one without a valid probe yet."""
        search, number = load
        earlier = [probe for probe in self.counted(search) if probe.load == number and probe.sustained is not None]
        return max((probe.ended_s + MIN_GAP_S for probe in earlier), default=0.0)


def rounds(
    searches: Sequence[Search],
    scale: str,
    seed: int,
    first_block: int,
    probe_of: Callable[[RunSpec], Probe],
    predict: Callable[[Search], float | None] = lambda search: None,
    sentinel: Arm | None = None,
    sentinel_of: Callable[[RunSpec], Sentinel] | None = None,
) -> Iterator[Round]:
    """Yield the rounds; each is a block. The same seed, predictions, probes and sentinels give the same rounds.

    `predict` is called once for each search, for its predicted capacity, if there is one. The caller carries out all
    runs of a round before it takes the next one: `probe_of` is then called for its probes, `sentinel_of` for its
    sentinels.
    """
    shuffled = random.Random(f"{seed}/searches")
    predicted = {search: predict(search) for search in searches}
    progress = _Progress({search: [] for search in searches})
    block = first_block
    while loads := [(search, load) for search in searches for load in _next(search, progress, predicted[search])]:
        not_before_s = min(map(progress.due_s, loads))
        start_s = max(progress.now_s, not_before_s)
        due = [load for load in loads if progress.due_s(load) <= start_s + GAP_TOLERANCE_S]
        turns: list[Load | None] = [*shuffled.sample(due, len(due))]
        if sentinel:
            turns = [*([] if progress.sentinels else [None]), *turns, None]
        specs = [
            _spec(turn, sentinel, scale=scale, seed=seed * 1000 + block, block=block, position=position)
            for position, turn in enumerate(turns)
        ]
        unfinished = {search for search, _ in loads}
        remaining = sum(remaining_probes(progress.counted(search), search.blocks) for search in unfinished)
        yield Round(specs, [turn and turn[0] for turn in turns], max(0, remaining - len(due)), not_before_s)
        for turn, spec in zip(turns, specs, strict=True):
            if turn:
                progress.tried[turn[0]].append(probe_of(spec))
            elif sentinel_of:
                progress.sentinels.append(sentinel_of(spec))
        block += 1


def _spec(turn: Load | None, sentinel: Arm | None, *, scale: str, seed: int, block: int, position: int) -> RunSpec:
    """The run of a probe, or of the sentinel where there is no load."""
    run = partial(RunSpec, scale=scale, seed=seed, block=block, position=position)
    if turn is None:
        assert sentinel
        return run(deployment=sentinel.deployment, scenario=sentinel.scenario)
    search, load = turn
    changes = {"warmup_s": search.warmup_s, "duration_s": search.duration_s}
    return run(deployment=search.deployment, scenario=f"{search.family}-{load:.0f}", changes=changes)


def _next(search: Search, progress: _Progress, predicted: float | None) -> tuple[float, ...]:
    """The next loads of a search; none after `MAX_PROBES`, void ones included."""
    if len(progress.tried[search]) >= MAX_PROBES:
        return ()
    highest = search.most or scenarios.FAMILIES[search.family].max_number
    first = search.first if predicted is None else FIRST_SHARE * predicted
    return next_loads(progress.counted(search), first, 1, highest, predicted=predicted, blocks=search.blocks)
