"""Independence of runs: whether a run depends on the one before it, or on how its load generator was started.

In each block the same burst on `tuned` runs in three contexts, in random order: after a run of `tuned`, after a run of
`as-measured`, and with a load generator that is started anew instead of forked. Nothing else differs, so that each
ratio is to be 1.
"""

import random
from collections.abc import Iterator, Sequence

from workbench.arms import BASELINE, TUNED

from .interval import Ratio
from .run_sequence import MeasuredRun, Step, run_sequence

BLOCKS = 10
# A run to be measured, and the one before it.
CONTEXTS = {
    "after tuned": (Step(TUNED), Step(TUNED)),
    "after as-measured": (Step(BASELINE), Step(TUNED)),
    "generator started anew": (Step(TUNED), Step(TUNED, is_forked=False)),
}
REFERENCE, *OTHERS = CONTEXTS
METRICS = {
    "duration": lambda run: run.load_s,
    "CPU of the system": lambda run: run.system_cpu_s,
    "CPU of the generator": lambda run: run.generator_cpu_s,
}


def main() -> None:
    """Print the ratios to the burst after a run of `tuned`, each with its 95 % interval over blocks."""
    blocks = list(_blocks())
    print(f"a burst on {TUNED} in three contexts, {BLOCKS} blocks; ratios to the one {REFERENCE}:")
    for context in OTHERS:
        for metric, value in METRICS.items():
            ratio = Ratio.from_blocks([[(value(block[REFERENCE]), value(block[context]))] for block in blocks])
            print(f"  {context:<24} {metric:<22} {ratio.as_share()}")


def orders(blocks: int, seed: int = 1) -> list[list[str]]:
    """The contexts of each block in random order."""
    draw = random.Random(seed)
    return [draw.sample(list(CONTEXTS), len(CONTEXTS)) for _ in range(blocks)]


def _blocks() -> Iterator[dict[str, MeasuredRun]]:
    """The measured runs of each block, by context."""
    drawn = orders(BLOCKS)
    steps = [step for order in drawn for context in order for step in CONTEXTS[context]]
    measured: Sequence[MeasuredRun] = list(run_sequence(steps))[1::2]
    for number, order in enumerate(drawn):
        yield dict(zip(order, measured[number * len(order) :], strict=False))
