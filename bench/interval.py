"""A ratio with its 95 % interval over blocks: Student's t on the logarithm of the ratio."""

import math
import statistics
from collections.abc import Iterable
from typing import NamedTuple, Self

# Quantiles of Student's t for a two-sided 95 % interval, by degrees of freedom from 1.
T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)


class Ratio(NamedTuple):
    """A ratio and the ends of its interval."""

    middle: float
    low: float
    high: float

    @classmethod
    def from_blocks(cls, blocks: Iterable[Iterable[tuple[float, float]]]) -> Self:
        """The ratio of the second to the first value of each pair, from 2 to 16 blocks of pairs.

        A block is one observation, the median of its pairs' log ratios, because its pairs share a process. With mean m
        and standard deviation s of k blocks the interval is exp(m ± t·s/√k), t with k-1 degrees of freedom.
        """
        log_ratios = [statistics.median(math.log(second / first) for first, second in block) for block in blocks]
        mean = statistics.mean(log_ratios)
        half_width = T_95[len(log_ratios) - 2] * statistics.stdev(log_ratios) / math.sqrt(len(log_ratios))
        return cls(*(math.exp(value) for value in (mean, mean - half_width, mean + half_width)))

    def as_share(self) -> str:
        """The ratio in per cent."""
        return f"{self.middle:.1%}, 95 % interval {self.low:.1%} to {self.high:.1%}"

    def as_change(self) -> str:
        """The difference from 100 %."""
        return f"{self.middle - 1:+.1%}, 95 % interval {self.low - 1:+.1%} to {self.high - 1:+.1%}"
