"""Looks at an experiment that grows: how sure each look has to be, so that all of them together are as sure as one.

Looks are fixed before the experiment starts, as numbers of blocks n₁ < … < n_K. Look j is tested at the level

    α_j = α·((n_j/n_K)² − (n_{j−1}/n_K)²),   n_0 = 0,   Σ α_j = α

the spending function α·t² of Kim and DeMets (1987) over the share t of the blocks. Each look has its own share, as if
it were alone: by Bonferroni's inequality the probability of any false verdict at any look is at most Σ α_j = α. This
holds for every test that keeps its own level: for Student's t with few blocks, whose values at several looks are not
multivariate normal, for the model of blocks, for Holm's correction within a look, and for tests of equivalence. The
boundaries of Lan and DeMets (1983), which take the correlation of the looks into account, are a little lower and hold
for many degrees of freedom only.

The intervals at level 1 − α_j are repeated confidence intervals (Jennison and Turnbull 1989): all of them, at all
looks, contain the true value with a probability of at least 1 − α, whatever makes the experiment stop.
"""

from dataclasses import dataclass
from itertools import pairwise

from .confidence import LEVEL, MIN_BLOCKS

SPENDING_POWER = 2.0


@dataclass(frozen=True)
class Looks:
    """The numbers of blocks after which an experiment is looked at, ascending, and the level of all looks together.

    Looks((4, 8, 12, 16)).level_at(4)  # 0.9969: 1 − 0.05·(4/16)²
    """

    blocks: tuple[int, ...]
    level: float = LEVEL

    def __post_init__(self) -> None:
        """Raise ValueError for looks that are none."""
        ascending = all(before < after for before, after in pairwise(self.blocks))
        if not self.blocks or self.blocks[0] < MIN_BLOCKS or not ascending:
            raise ValueError(f"looks are ascending numbers of blocks from {MIN_BLOCKS} on, not {self.blocks}")

    @classmethod
    def every(cls, step: int, last: int) -> "Looks":
        """A look every `step` blocks, and at the last."""
        return cls((*range(max(step, MIN_BLOCKS), last, step), last))

    @property
    def last(self) -> int:
        """The number of blocks at most."""
        return self.blocks[-1]

    def alpha_at(self, blocks: int) -> float:
        """α_j of the first look at so many blocks or more; beyond the last look, that of the last."""
        look = next((number for number, at in enumerate(self.blocks) if at >= blocks), len(self.blocks) - 1)
        before = self.blocks[look - 1] if look else 0
        shares = [(at / self.last) ** SPENDING_POWER for at in (before, self.blocks[look])]
        return (1 - self.level) * (shares[1] - shares[0])

    def level_at(self, blocks: int) -> float:
        """The level of intervals and tests at the look at so many blocks."""
        return 1 - self.alpha_at(blocks)

    def after(self, blocks: int) -> int | None:
        """The next look after so many blocks; None after the last."""
        return next((at for at in self.blocks if at > blocks), None)
