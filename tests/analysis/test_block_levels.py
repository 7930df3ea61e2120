"""False verdicts, coverage and power of comparisons by the model of blocks, over whole pages that were drawn.

`SIMULATED_PAGES=4000` draws more pages than the suite has time for, and prints the tables of docs/METHODS.md.
"""

import math
import os

import numpy as np
import pytest

from analysis.stats.block_model import BlockModel
from analysis.stats.hypothesis import evaluate_family
from analysis.stats.power import POWER
from tests.analysis.block_worlds import (
    SPREAD,
    WORLDS,
    Table,
    by_common_variance,
    by_pairs,
    equal,
    pages,
    shifted,
)

pytestmark = pytest.mark.simulated

PAGES = int(os.environ.get("SIMULATED_PAGES", "80"))
MIXED = (8, 8, 8, 8, 4, 4, 4, 4)
DESIGNS = {"4 × 3": (4,) * 3, "4 × 8": (4,) * 8, "8 × 10": (8,) * 10, "8 × 4, 4 × 4": MIXED}  # blocks × arms
# Twice as large as the noise and no part of the model: docs/METHODS.md says how many false alarms that makes.
STRONG_INTERACTION = "interaction 1"


def most(share):
    """The largest number of pages that is compatible with this share of them."""
    return PAGES * share + 3 * math.sqrt(PAGES * share * (1 - share))


def false_verdicts(world, design, method=BlockModel.compare):
    """Pages with a false alarm where nothing differs, with a false equivalence where all differs by the margin, and
    the share of intervals that cover, by arm."""
    random, table = np.random.default_rng(20261128), Table(design)
    alarms = equivalences = 0
    covered = np.zeros(len(design))
    for page in pages(random, world, table, PAGES, method):
        effects = evaluate_family(page)
        alarms += any(effect.p_holm <= 0.05 for each in effects for effect in each)
        covered += np.sum([[effect.low <= 1 <= effect.high for effect in each] for each in effects], axis=0)
        at_margin = evaluate_family(shifted(page, math.log(1.10)))
        equivalences += any(effect.verdict == "equivalent" for each in at_margin for effect in each)
    return alarms, equivalences, covered / (PAGES * table.tables)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("world", WORLDS)
def test_pages_on_which_nothing_differs_seldom_have_a_false_verdict(world, design):
    alarms, equivalences, covered = false_verdicts(WORLDS[world], DESIGNS[design])
    print(
        f"{world}, {design}: false alarm {alarms / PAGES:.1%} of pages, false equivalence {equivalences / PAGES:.1%}, "
        f"intervals cover {covered.mean():.1%}, of the worst arm {covered.min():.1%}"
    )
    assert alarms <= most(0.10 if world == STRONG_INTERACTION else 0.05)
    assert covered.mean() >= 0.935
    assert equivalences <= most(0.05)


@pytest.mark.parametrize("design", ["4 × 3", "4 × 8"])
def test_one_variance_for_all_arms_gives_false_alarms_where_one_scatters_more(design):
    """The negative control."""
    alarms, _, covered = false_verdicts(WORLDS["one arm × 3"], DESIGNS[design], by_common_variance)
    print(f"one variance, one arm × 3, {design}: false alarm {alarms / PAGES:.1%}, the worst arm {covered.min():.1%}")
    assert alarms > PAGES * 0.20
    assert covered.min() < 0.85


def decided(design, spread, effect, number, method):
    """Shares of comparisons with a verdict, of arms without and with an effect, half each, by equivalence margin."""
    random, table = np.random.default_rng(3), Table(design)
    has_effect = np.arange(len(design)) % 2 == 1
    verdicts = {0.05: np.zeros(len(design)), 0.10: np.zeros(len(design))}

    def noise(random, table):
        return spread / SPREAD * equal(random, table)

    for page in pages(random, noise, table, number, method):
        changed = shifted(page, has_effect * math.log1p(effect))
        for margin, count in verdicts.items():
            evaluated = evaluate_family([each._replace(equivalence_margin=margin) for each in changed])
            count += np.sum([[each.verdict != "inconclusive" for each in row] for row in evaluated], axis=0)
    shares = {margin: count / (number * table.tables) for margin, count in verdicts.items()}
    return {margin: (share[~has_effect].mean(), share[has_effect].mean()) for margin, share in shares.items()}


@pytest.mark.parametrize("blocks", [4, 8])
def test_more_comparisons_are_decided_than_by_pairs_alone(blocks):
    number = max(PAGES // 10, 10)
    gains = []
    for spread in (0.03, 0.06, 0.10):
        for effect in (0.05, 0.10, 0.20, 0.50):
            shares = [decided((blocks,) * 8, spread, effect, number, each) for each in (by_pairs, BlockModel.compare)]
            for margin, (none, some) in shares[1].items():
                before = shares[0][margin]
                print(
                    f"{blocks} blocks, spread {spread:.0%}, margin {margin:.0%}: no effect {before[0]:.0%} → "
                    f"{none:.0%}, effect of {effect:.0%} {before[1]:.0%} → {some:.0%}"
                )
                gains.append(some - before[1])
    assert min(gains) >= -0.05
    assert max(gains) >= (0.30 if blocks == 4 else 0.10)


@pytest.mark.parametrize("effect", [0.0, 0.20])
def test_the_blocks_that_are_shown_as_required_decide_in_four_of_five_experiments(effect):
    """The margin is 20 %: of eight arms the first differs by nothing, or by as much."""
    random, verdicts = np.random.default_rng(5), []
    for page in pages(random, equal, Table((4,) * 8), 2 * PAGES):
        table = page[0]._replace(equivalence_margin=0.20)
        required = evaluate_family([table])[0][0].blocks_required
        (again,) = pages(random, equal, Table((required,) * 8), 1)
        changed = shifted(again[:1], np.eye(8)[0] * math.log1p(effect))[0]._replace(equivalence_margin=0.20)
        verdicts.append(evaluate_family([changed])[0][0].verdict)
    share = verdicts.count("regression" if effect else "equivalent") / len(verdicts)
    print(f"effect of {effect:.0%}, margin 20 %, the blocks that four blocks show as required: decided in {share:.1%}")
    assert share >= POWER


def test_the_minimum_detectable_effect_that_is_shown_is_detected_in_four_of_five_experiments():
    random, verdicts, table = np.random.default_rng(6), [], Table((4,) * 8)
    for page in pages(random, equal, table, 2 * PAGES):
        shown = evaluate_family(page[:1])[0][0].minimum_detectable_effect
        (again,) = pages(random, equal, table, 1)
        changed = shifted(again[:1], np.eye(8)[0] * math.log(shown))[0]._replace(equivalence_margin=0.001)
        verdicts.append(evaluate_family([changed])[0][0].verdict)
    share = verdicts.count("regression") / len(verdicts)
    print(f"the minimum detectable effect that four blocks of eight arms show: detected in {share:.1%}")
    assert share >= POWER
