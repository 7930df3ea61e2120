"""Pages of comparisons whose truth is known, drawn in worlds that a model of blocks may not expect.

A page has tables of arms that are compared with a baseline, which ran twice in each block. Logarithms are drawn: the
effect of the block, standard deviation `DRIFT`, and the noise of the run, standard deviation `SPREAD`.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats.block_model import BlockModel
from analysis.stats.hypothesis import Comparison, ComparisonTable, count_resolution, paired
from loadgen.block_order import balanced_orders

DRIFT, SPREAD = 0.10, 0.05
COMPARISONS = 40  # of a page, about
TICKS = 20.0  # counts that a value is made of, in the world of ticks


@dataclass(frozen=True)
class Table:
    """The arms of a table by their number of blocks; all blocks have the baseline twice."""

    arms: tuple[int, ...]

    @cached_property
    def blocks(self) -> int:
        """Number of blocks."""
        return max(self.arms)

    @cached_property
    def runs(self) -> tuple[np.ndarray, np.ndarray]:
        """Treatment (0 is the baseline) and block of each run, block by block."""
        cells = [
            (treatment, block)
            for block in range(self.blocks)
            for treatment in (0, 0, *(arm + 1 for arm, blocks in enumerate(self.arms) if block < blocks))
        ]
        treatments, blocks = np.array(cells).T
        return treatments, blocks

    @property
    def tables(self) -> int:
        """How many such tables make a page."""
        return max(1, round(COMPARISONS / len(self.arms)))


Noise = Callable[[np.random.Generator, Table], np.ndarray]  # draws the logarithms of the runs of one table


def _blocks(random: np.random.Generator, table: Table) -> np.ndarray:
    return random.normal(0.0, DRIFT, table.blocks)[table.runs[1]]


def equal(random: np.random.Generator, table: Table) -> np.ndarray:
    """All runs scatter alike."""
    return _blocks(random, table) + random.normal(0.0, SPREAD, len(table.runs[0]))


def unequal(factors: Callable[[int], np.ndarray]) -> Noise:
    """Treatments scatter by factors of `SPREAD`, which follow from the number of treatments."""

    def draw(random: np.random.Generator, table: Table) -> np.ndarray:
        spread = SPREAD * factors(len(table.arms) + 1)[table.runs[0]]
        return _blocks(random, table) + random.normal(0.0, spread)

    return draw


def _one(index: int, factor: float) -> Noise:
    return unequal(lambda treatments: np.where(np.arange(treatments) == index, factor, 1.0))


def heavy_tails(random: np.random.Generator, table: Table) -> np.ndarray:
    """Noise of Student's t with 3 degrees of freedom, of the same standard deviation."""
    return _blocks(random, table) + random.standard_t(3, len(table.runs[0])) * SPREAD / math.sqrt(3)


def outliers(random: np.random.Generator, table: Table) -> np.ndarray:
    """One run of 33 takes half as long again."""
    return equal(random, table) + (random.random(len(table.runs[0])) < 0.03) * math.log(1.5)


def _positions(random: np.random.Generator, table: Table) -> np.ndarray:
    """The position of each run in its block, balanced over the blocks; runs of a block are the next arms in order."""
    orders = balanced_orders(len(table.arms) + 2, table.blocks, Random(int(random.integers(1 << 32))))
    places = [np.argsort(order) for order in orders]
    seen = [0] * table.blocks
    positions = []
    for block in table.runs[1]:
        positions.append(places[block][seen[block]])
        seen[block] += 1
    return np.array(positions, dtype=float)


def drift(random: np.random.Generator, table: Table) -> np.ndarray:
    """Each run is slower than the one before it by 2 %."""
    return equal(random, table) + 0.02 * _positions(random, table)


def disturbed_block(random: np.random.Generator, table: Table) -> np.ndarray:
    """All runs of one block take 1.3 times as long."""
    return equal(random, table) + (table.runs[1] == random.integers(table.blocks)) * math.log(1.3)


def half_disturbed_block(random: np.random.Generator, table: Table) -> np.ndarray:
    """The first half of the runs of one block takes 1.3 times as long."""
    hit = (table.runs[1] == random.integers(table.blocks)) & (_positions(random, table) < (len(table.arms) + 2) / 2)
    return equal(random, table) + hit * math.log(1.3)


def autocorrelated(random: np.random.Generator, table: Table) -> np.ndarray:
    """The noise of a run depends on the run before it, with a coefficient of 0.5."""
    sequence = np.lexsort((_positions(random, table), table.runs[1]))
    noise, last = np.empty(len(sequence)), random.normal(0.0, SPREAD)
    for run, step in zip(sequence, random.normal(0.0, SPREAD * math.sqrt(0.75), len(sequence)), strict=True):
        noise[run] = last = 0.5 * last + step
    return _blocks(random, table) + noise


def ticks(random: np.random.Generator, table: Table) -> np.ndarray:
    """Values are whole ticks, about 20, the effect of the block included."""
    return np.log(np.maximum(np.round(TICKS * np.exp(equal(random, table))), 1.0) / TICKS)


def interaction(strength: float) -> Noise:
    """Half of the arms respond to the block differently, by `strength` times its effect: the model is wrong."""

    def draw(random: np.random.Generator, table: Table) -> np.ndarray:
        block = _blocks(random, table)
        is_hit = (table.runs[0] > 0) & (table.runs[0] <= len(table.arms) // 2)
        return block * (1 + strength * is_hit) + random.normal(0.0, SPREAD, len(block))

    return draw


WORLDS: dict[str, Noise] = {
    "equal": equal,
    "half of arms × 3": unequal(lambda treatments: np.where(np.arange(treatments) > treatments // 2, 3.0, 1.0)),
    "arms from × 1 to × 3": unequal(lambda treatments: np.r_[1.0, np.geomspace(1, 3, treatments - 1)]),
    "one arm × 3": _one(1, 3.0),
    "one arm × 5": _one(1, 5.0),
    "one arm ÷ 3": _one(1, 1 / 3),
    "baseline × 3": _one(0, 3.0),
    "baseline ÷ 3": _one(0, 1 / 3),
    "heavy tails (t, df 3)": heavy_tails,
    "outliers × 1.5": outliers,
    "drift of 2 % a run": drift,
    "disturbed block × 1.3": disturbed_block,
    "half of a block × 1.3": half_disturbed_block,
    "autocorrelation 0.5": autocorrelated,
    "ticks": ticks,
    "interaction 0.25": interaction(0.25),
    "interaction 0.5": interaction(0.5),
    "interaction 1": interaction(1.0),
}


Method = Callable[[BlockModel, Comparison, str, str], Comparison]  # from the paired comparison of two treatments


def by_pairs(model: BlockModel, own: Comparison, before: str, after: str) -> Comparison:
    """The paired comparison alone."""
    return own


def by_common_variance(model: BlockModel, own: Comparison, before: str, after: str) -> Comparison:
    """One variance for all runs of a table, as in the analysis of variance."""
    design = model.design
    variance = np.square(design.residual_maker @ model.logs).sum() / design.residual_df
    squares = np.square(design.coefficients(model.names.index(before), model.names.index(after))).sum()
    return replace(own, std_error=math.sqrt(variance * squares), df=design.residual_df)


def comparisons(logs: np.ndarray, table: Table, method: Method) -> dict[str, Comparison]:
    """Compare each arm with the baseline."""
    treatments, blocks = table.runs
    model = BlockModel.of_runs([f"{treatment:02}" for treatment in treatments], blocks.tolist(), np.exp(logs))
    means = logs[treatments == 0].reshape(-1, 2).mean(axis=1)
    compared = {}
    for arm, number in enumerate(table.arms, start=1):
        values = logs[treatments == arm]
        counts = TICKS * np.exp(values), TICKS * np.exp(means[:number])
        resolution = count_resolution(*counts) if _is_counted(values) else 0.0
        compared[f"{arm:02}"] = method(model, paired(values - means[:number], resolution), "00", f"{arm:02}")
    return compared


def _is_counted(logs: np.ndarray) -> bool:
    counts = TICKS * np.exp(logs)
    return bool(np.allclose(counts, np.round(counts)))


def pages(
    random: np.random.Generator, world: Noise, table: Table, number: int, method: Method = BlockModel.compare
) -> Iterator[list[ComparisonTable]]:
    """Draw pages on which no arm differs from its baseline; equivalence margin 10 %."""
    for _ in range(number):
        yield [ComparisonTable(comparisons(world(random, table), table, method), 0.10) for _ in range(table.tables)]


def shifted(page: list[ComparisonTable], log_ratios: ArrayLike) -> list[ComparisonTable]:
    """The page on which arms differ by `log_ratios`, one for all or one by arm; standard errors do not depend on it."""
    return [
        table._replace(
            comparisons={
                name: replace(each, mean=each.mean + log_ratio)
                for (name, each), log_ratio in zip(
                    table.comparisons.items(), np.broadcast_to(log_ratios, len(table.comparisons)), strict=True
                )
            }
        )
        for table in page
    ]
