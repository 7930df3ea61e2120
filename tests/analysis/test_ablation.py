"""The changes of an experiment and their effects, on runs whose ratios are known."""

import math
from itertools import chain

import pytest
from scipy import stats

from analysis import ablation
from analysis.effect_tables import Change
from analysis.findings import effects as findings
from workbench.arms import BASELINE, TUNED

SPREAD = (1.0, 1.02, 0.98, 1.01)  # of the machine's speed, by block


@pytest.fixture
def experiment(builder):
    """Four blocks of tuned with a replicate, of tuned without its cache, which takes twice as long, and without its
    pool, which takes as long."""
    runs = []
    for block, speed in enumerate(SPREAD):
        runs += [
            builder.run(TUNED, block=block, slower=speed),
            builder.run(TUNED, block=block, replicate=True, slower=speed * (1.01 if block % 2 else 0.99)),
            builder.run("tuned-without-cache", block=block, slower=speed / 10),
            builder.run("tuned-without-pool", block=block, slower=speed / 20),
        ]
    return builder.experiment(*runs)


def by_column(tables):
    return {table.metric.column: table for table in tables}


def leave_one_out_tables(experiment):
    changes = ablation.leave_one_out_changes(experiment, TUNED, "burst-50")
    return by_column(ablation.effect_tables(experiment, TUNED, changes, "burst-50"))


def replacement_tables(experiment):
    changes = ablation.replacements(experiment, BASELINE, "burst-50")
    return by_column(ablation.effect_tables(experiment, BASELINE, changes, "burst-50"))


def test_leave_one_out_changes_are_named_by_the_optimisation(experiment):
    changes = ablation.leave_one_out_changes(experiment, TUNED, "burst-50")
    assert [(change.name, change.before, change.after) for change in changes] == [
        ("cache", "tuned-without-cache", TUNED),
        ("pool", "tuned-without-pool", TUNED),
    ]
    assert ablation.leave_one_out_changes(experiment, TUNED, "reads") == []
    assert ablation.leave_one_out_changes(experiment, BASELINE, "burst-50") == []


def test_single_changes_and_replacements_go_from_the_baseline_to_the_other_deployment(builder):
    names = (BASELINE, "as-measured-with-no-pool", TUNED, "as-claimed")
    experiment = builder.experiment(*(builder.run(name) for name in names))
    change = Change("no pool", BASELINE, "as-measured-with-no-pool")
    assert ablation.single_changes(experiment, BASELINE, "burst-50") == [change]
    replacements = ablation.replacements(experiment, BASELINE, "burst-50")
    assert [change.after for change in replacements] == ["as-claimed", TUNED]


def test_the_effect_of_an_optimisation_is_with_it_over_without_it(experiment):
    tables = leave_one_out_tables(experiment)
    duration = {effect.name: effect for effect in tables["makespan_s"].effects}
    assert duration["cache"].ratio == pytest.approx(0.5, rel=0.01)
    assert duration["cache"].verdict == "improvement"
    assert duration["pool"].verdict == "equivalent"
    assert tables["throughput_rps"].effects[0].ratio == pytest.approx(2, rel=0.01)
    assert tables["throughput_rps"].effects[0].verdict == "improvement"
    assert tables["statements"].effects[0].ratio == 1


def test_the_machines_speed_in_a_block_does_not_widen_an_effect(experiment):
    """The blocks differ by 4 %, the two runs of tuned in a block by 1 %."""
    effect = leave_one_out_tables(experiment)["makespan_s"].effects[0]
    assert effect.high / effect.low < 1.03


def test_replicates_give_the_aa_difference_and_the_noise_floor(experiment):
    table = leave_one_out_tables(experiment)["makespan_s"]
    assert table.aa_difference.verdict == "equivalent"
    assert table.noise_floor == pytest.approx(math.exp(stats.t.ppf(0.975, 4) * math.log(1.01)), rel=1e-3)


def test_all_effect_tables_correct_over_all_tables_of_the_report(experiment):
    tables = list(chain.from_iterable(ablation.all_effect_tables(experiment).values()))
    effects = [effect for table in tables for effect in table.effects if effect.interval]
    assert ablation.comparisons_in(tables) == len(effects) == 2 * len(tables)
    smallest = min(effects, key=lambda effect: effect.p)
    assert smallest.p_holm == pytest.approx(len(effects) * smallest.p)
    (shown,) = (each for each in findings.findings(experiment) if each.effect == smallest.ratio)
    assert (shown.verdict, shown.n) == (smallest.verdict, 4)


def test_one_statement_in_a_block_against_none_is_inconclusive(builder):
    runs = [builder.run(name, block=block) for block in range(4) for name in (BASELINE, TUNED)]
    for run in runs:
        for row in run.rows:
            row["db_calls"] = 0
    runs[0].rows[0]["db_calls"] = 1
    (statements,) = replacement_tables(builder.experiment(*runs))["statements"].effects
    assert (statements.verdict, statements.ratio) == ("inconclusive", 0)


def test_without_replicates_there_is_no_aa_difference_and_no_noise_floor(builder):
    experiment = builder.experiment(
        *(builder.run(name, block=block) for block in range(4) for name in (BASELINE, TUNED))
    )
    tables = replacement_tables(experiment).values()
    assert all(table.aa_difference is None and table.noise_floor is None for table in tables)


def test_a_block_that_lacks_a_side_is_left_out(builder):
    runs = [builder.run(BASELINE, block=block) for block in range(5)]
    runs += [builder.run(TUNED, block=block) for block in range(1, 5)]
    effect = ablation.duration_effect(builder.experiment(*runs), BASELINE, TUNED, "burst-50")
    assert (effect.blocks, effect.ratio) == (4, pytest.approx(1 / 20))
    one_side = builder.experiment(*runs[:5], name="one-side")
    assert ablation.duration_effect(one_side, BASELINE, TUNED, "burst-50") is None


def test_a_metric_that_is_0_on_one_side_has_a_verdict_without_an_interval(builder):
    runs = [builder.run(name, block=block) for block in range(4) for name in (BASELINE, TUNED)]
    for run in runs[1::2]:
        for row in run.rows:
            row["db_calls"] = 0
    tables = replacement_tables(builder.experiment(*runs))
    (statements,) = tables["statements"].effects
    assert (statements.verdict, statements.ratio, statements.interval) == ("improvement", 0, None)
    assert tables["makespan_s"].effects[0].interval


@pytest.mark.parametrize(("blocks", "verdict"), [(4, "regression"), (2, "inconclusive")])
def test_a_change_without_successful_responses_is_a_regression_if_it_has_none_in_all_blocks(builder, blocks, verdict):
    runs = [builder.run(name, block=block) for block in range(4) for name in (BASELINE, TUNED)]
    for run in runs[1 : 2 * blocks : 2]:
        for row in run.rows:
            row["ok"] = False
    tables = replacement_tables(builder.experiment(*runs))
    for column in ("success_share", "throughput_rps"):
        assert tables[column].effects[0].verdict == verdict


def open_runs(builder, *names, drops):
    """Four blocks of open load; in the blocks of `drops` the first deployment drops arrivals."""
    runs = [builder.run(name, "open-20", block=block) for block in range(4) for name in names]
    for block in drops:
        run = runs[block * len(names)]
        run.record["generator"]["dropped"] = {"warmup": 0, "measure": 9}
    return runs


@pytest.mark.parametrize(
    ("drops", "before", "after"),
    [(range(4), "improvement", "regression"), (range(1, 3), "inconclusive", "inconclusive")],
)
def test_dropped_arrivals_decide_a_latency_only_where_they_are_in_every_block(builder, drops, before, after):
    dropping = builder.experiment(*open_runs(builder, TUNED, drops=drops), name="dropping")
    sending = builder.experiment(*open_runs(builder, TUNED, drops=()), name="sending")
    for sides, verdict in (((dropping, sending), before), ((sending, dropping), after)):
        tables = by_column(ablation.between_experiments(*sides))
        for column in ("mean_ms", "reads_p95_ms", "response_mean_ms", "response_reads_p95_ms"):
            (effect,) = tables[column].effects
            assert (effect.verdict, effect.interval) == (verdict, None)
        success = tables["success_share"].effects[0].ratio
        assert (success > 1) == (sides[0] is dropping)


def test_response_time_is_a_metric_of_open_load_only(builder):
    names = (BASELINE, TUNED)
    runs = [builder.run(name, "burst-50", block=block) for block in range(4) for name in names]
    experiment = builder.experiment(*runs, *open_runs(builder, *names, drops=()))
    changes = [Change(TUNED, BASELINE, TUNED)]
    columns = {
        scenario: by_column(ablation.effect_tables(experiment, BASELINE, changes, scenario)).keys()
        for scenario in ("burst-50", "open-20")
    }
    assert {"response_mean_ms", "response_reads_p95_ms"} <= columns["open-20"]
    assert not any(name.startswith("response_") for name in columns["burst-50"])


def test_an_improvement_with_more_failures_is_none_and_has_the_reason(builder):
    runs = [builder.run(name, block=block, slower=s) for block, s in enumerate(SPREAD) for name in (BASELINE, TUNED)]
    for run in runs[1::2]:
        for row in run.rows_of("login")[:8]:
            row |= {"ok": False, "error": "status 503"}
    experiment = builder.experiment(*runs)
    tables = replacement_tables(experiment)
    for column in ("makespan_s", "mean_ms", "reads_p95_ms", "throughput_rps"):
        (effect,) = tables[column].effects
        assert (effect.verdict, effect.interval is None) == ("inconclusive", False)
        assert effect.reason == "5.3% of the requests were not successful, instead of 0.0%"
    assert tables["success_share"].effects[0].verdict == "regression"


def without_two(builder, without_both):
    """Tuned takes twice as long without its cache, three times without its index, `without_both` times without both."""
    factors = {TUNED: 1, "tuned-without-cache": 2, "tuned-without-index": 3}
    factors["tuned-without-cache-and-index"] = without_both
    speeds = {name: times / (20 if name != TUNED else 1) for name, times in factors.items()}
    runs = [builder.run(name, block=block, slower=speed) for block in range(4) for name, speed in speeds.items()]
    return builder.experiment(*runs, name=f"both-{without_both}")


@pytest.mark.parametrize(
    ("without_both", "ratio", "verdict"), [(6, 1.0, "equivalent"), (3, 0.5, None), (12, 2.0, None)]
)
def test_interactions_of_two_optimisations_left_out_together(builder, without_both, ratio, verdict):
    experiment = without_two(builder, without_both)
    assert ablation.left_out_pairs(experiment, TUNED, "burst-50") == ["cache-and-index"]
    changes = ablation.leave_one_out_changes(experiment, TUNED, "burst-50")
    assert "cache and index" not in [change.name for change in changes]
    (effect,) = ablation.interactions(experiment, TUNED, "burst-50")["duration"]
    assert effect.name == "cache-and-index"
    assert effect.ratio == pytest.approx(ratio)
    assert verdict in (None, effect.verdict)


def test_between_experiments_arms_are_compared_as_sides_without_common_blocks(builder):
    first = builder.experiment(*(builder.run(TUNED, block=n, slower=s) for n, s in enumerate(SPREAD)), name="first")
    slower = [builder.run(TUNED, block=n, slower=1.5 * s) for n, s in enumerate(SPREAD)]
    second = builder.experiment(*slower, builder.run(BASELINE), name="second")
    tables = by_column(ablation.between_experiments(first, second))
    (effect,) = tables["makespan_s"].effects
    assert (effect.name, effect.verdict, effect.blocks) == (TUNED, "regression", 4)
    assert effect.ratio == pytest.approx(1.5)
    assert tables["throughput_rps"].effects[0].verdict == "regression"
