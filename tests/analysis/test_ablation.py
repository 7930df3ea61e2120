"""Which changes an experiment has, and what they are worth, on runs whose ratios are known."""

import math

import numpy as np
import pytest
from scipy import stats

from analysis import ablation as changes

BASE, OURS = "as-measured", "tuned"
SPREAD = (1.0, 1.02, 0.98, 1.01)  # of the machine's speed, by block


@pytest.fixture
def ablation(made):
    """Four blocks of tuned, twice, and of it without its cache, which takes twice as long, and without its pool."""
    runs = []
    for block, speed in enumerate(SPREAD):
        runs += [
            made.run(OURS, block=block, slower=speed),
            made.run(OURS, block=block, replicate=True, slower=speed * (1.01 if block % 2 else 0.99)),
            made.run("tuned-without-cache", block=block, slower=speed / 10),
            made.run("tuned-without-pool", block=block, slower=speed / 20),
        ]
    return made.experiment(*runs)


def by_column(found):
    return {one.figure.column: one for one in found}


def test_what_was_taken_away_is_told_by_its_name(ablation):
    found = changes.taken_away(ablation, OURS, "burst-50")
    assert [(change.name, change.before, change.after) for change in found] == [
        ("cache", "tuned-without-cache", OURS),
        ("pool", "tuned-without-pool", OURS),
    ]
    assert changes.taken_away(ablation, OURS, "reads") == []
    assert changes.taken_away(ablation, BASE, "burst-50") == []


def test_what_was_changed_and_what_was_replaced_come_after_the_baseline(made):
    names = (BASE, "as-measured-with-no-pool", OURS, "as-claimed")
    experiment = made.experiment(*(made.run(name) for name in names))
    assert changes.added(experiment, BASE, "burst-50") == [changes.Change("no pool", BASE, "as-measured-with-no-pool")]
    assert [change.after for change in changes.replaced(experiment, BASE, "burst-50")] == ["as-claimed", OURS]


def test_an_optimisation_is_worth_what_it_takes_with_it_over_without(ablation):
    found = by_column(changes.worth(ablation, OURS, changes.taken_away(ablation, OURS, "burst-50"), "burst-50"))
    duration = {effect.name: effect for effect in found["makespan_s"].effects}
    assert duration["cache"].ratio == pytest.approx(0.5, rel=0.01)
    assert duration["cache"].verdict == "gain"
    assert duration["pool"].verdict == "same"
    assert found["throughput_rps"].effects[0].ratio == pytest.approx(2, rel=0.01)
    assert found["throughput_rps"].effects[0].verdict == "gain"
    assert found["statements"].effects[0].verdict == "same"


def test_the_machines_speed_in_a_block_is_no_part_of_the_worth(ablation):
    """The blocks differ by 4 %, the two runs of tuned in a block by 1 %."""
    found = by_column(changes.worth(ablation, OURS, changes.taken_away(ablation, OURS, "burst-50"), "burst-50"))
    effect = found["makespan_s"].effects[0]
    assert effect.high / effect.low < 1.03


def test_two_runs_of_the_same_tell_what_differs_by_chance(ablation):
    found = by_column(changes.worth(ablation, OURS, changes.taken_away(ablation, OURS, "burst-50"), "burst-50"))
    assert found["makespan_s"].chance.verdict == "same"
    logs = np.log([0.99, 1.01, 0.99, 1.01])
    assert found["makespan_s"].floor == pytest.approx(
        math.exp(abs(logs.mean()) + stats.t.ppf(0.975, 3) * logs.std(ddof=1) * math.sqrt(1.25)), rel=1e-3
    )


def test_without_two_runs_nothing_tells_what_differs_by_chance(made):
    experiment = made.experiment(*(made.run(name, block=block) for block in range(4) for name in (BASE, OURS)))
    found = changes.worth(experiment, BASE, changes.replaced(experiment, BASE, "burst-50"), "burst-50")
    assert all(one.chance is None and one.floor is None for one in found)


def test_a_block_that_lacks_a_side_is_left_out(made):
    runs = [made.run(BASE, block=block) for block in range(5)] + [made.run(OURS, block=block) for block in range(1, 5)]
    effect = changes.speedup(made.experiment(*runs), BASE, OURS, "burst-50")
    assert (effect.blocks, effect.ratio) == (4, pytest.approx(1 / 20))
    assert changes.speedup(made.experiment(*runs[:5], name="alone"), BASE, OURS, "burst-50") is None


def test_a_figure_that_is_nothing_on_one_side_has_no_ratio(made):
    runs = [made.run(name, block=block) for block in range(4) for name in (BASE, OURS)]
    for run in runs[1::2]:
        for row in run.rows:
            row["db_calls"] = 0
    experiment = made.experiment(*runs)
    found = by_column(changes.worth(experiment, BASE, changes.replaced(experiment, BASE, "burst-50"), "burst-50"))
    assert (found["statements"].effects[0].verdict, found["statements"].effects[0].ratio) == ("gain", 0)
    assert found["makespan_s"].effects[0].interval


@pytest.mark.parametrize(("broken", "verdict"), [(4, "loss"), (2, "undecided")])
def test_a_change_that_breaks_the_answers_is_told(made, broken, verdict):
    runs = [made.run(name, block=block) for block in range(4) for name in (BASE, OURS)]
    for run in runs[1 : 2 * broken : 2]:
        for row in run.rows:
            row["ok"] = False
    experiment = made.experiment(*runs)
    found = by_column(changes.worth(experiment, BASE, changes.replaced(experiment, BASE, "burst-50"), "burst-50"))
    for column in ("right_share", "throughput_rps"):
        assert found[column].effects[0].verdict == verdict


def together(made, both):
    """Without the cache it takes twice as long, without the index three times, without both so many times."""
    names = {OURS: 1, "tuned-without-cache": 2, "tuned-without-index": 3, "tuned-without-cache-and-index": both}
    factors = {name: times / (20 if name != OURS else 1) for name, times in names.items()}
    runs = [made.run(name, block=block, slower=times) for block in range(4) for name, times in factors.items()]
    return made.experiment(*runs, name=f"both-{both}")


@pytest.mark.parametrize(("both", "ratio", "verdict"), [(6, 1.0, "same"), (3, 0.5, None), (12, 2.0, None)])
def test_two_optimisations_together(made, both, ratio, verdict):
    experiment = together(made, both)
    assert changes.pairs(experiment, OURS, "burst-50") == ["cache-and-index"]
    assert "cache and index" not in [change.name for change in changes.taken_away(experiment, OURS, "burst-50")]
    (found,) = changes.interactions(experiment, OURS, "burst-50")["duration"]
    assert found.name == "cache-and-index"
    assert found.ratio == pytest.approx(ratio)
    assert verdict in (None, found.verdict)


def test_experiments_are_compared_by_arm_as_two_that_were_not_measured_together(made):
    first = made.experiment(*(made.run(OURS, block=n, slower=s) for n, s in enumerate(SPREAD)), name="first")
    slower = [made.run(OURS, block=n, slower=1.5 * s) for n, s in enumerate(SPREAD)]
    second = made.experiment(*slower, made.run(BASE), name="second")
    found = by_column(changes.between(first, second))
    (effect,) = found["makespan_s"].effects
    assert (effect.name, effect.verdict, effect.blocks) == (OURS, "loss", 4)
    assert effect.ratio == pytest.approx(1.5)
    assert found["throughput_rps"].effects[0].verdict == "loss"
