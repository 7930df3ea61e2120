"""How sure a ratio is: Student's 95 % interval over the blocks, on the logarithm of the ratio."""

import math
import statistics
from collections.abc import Iterable
from typing import NamedTuple

# Two-sided 95 %, by degrees of freedom from 1.
T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)


class Ratio(NamedTuple):
    """A ratio and the ends of its interval."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, blocks: Iterable[Iterable[tuple[float, float]]]) -> "Ratio":
        """Of the second of each pair to the first. A block is one observation, the median of its pairs, as these have
        their process in common; there may be 2 to 16 of them."""
        ratios = [statistics.median(math.log(second / first) for first, second in block) for block in blocks]
        middle = statistics.mean(ratios)
        spread = T_95[len(ratios) - 2] * statistics.stdev(ratios) / math.sqrt(len(ratios))
        return cls(*(math.exp(ratio) for ratio in (middle, middle - spread, middle + spread)))

    def as_share(self) -> str:
        return f"{self.middle:.1%}, 95 % interval {self.low:.1%} to {self.high:.1%}"

    def as_change(self) -> str:
        return f"{self.middle - 1:+.1%}, 95 % interval {self.low - 1:+.1%} to {self.high - 1:+.1%}"
