"""Verdicts on primary metrics alone: those that the experiment declared before it was measured."""

import pytest

from analysis.ablation import all_effect_tables, comparisons_in
from workbench import primary_metrics
from workbench.primary_metrics import PrimaryMetric

ARMS = {"tuned": 1.0, "tuned-without-cache": 0.1, "tuned-without-workers": 0.2, "as-measured": 1.0}  # times slower
CACHE = PrimaryMetric("makespan_s", "burst-50", ("tuned-without-cache",))


@pytest.fixture
def tables_of(builder):
    """The effect tables of four blocks, with these primary metrics declared; with None as before there were any."""

    def tables(primary, name="made"):
        runs = [
            builder.run(deployment, block=block, slower=slower * spread)
            for place, (deployment, slower) in enumerate(ARMS.items())
            for block, spread in enumerate((1.0, 1.03, 0.96 + place / 100, 1.01))
        ]
        record = {} if primary is None else {primary_metrics.KEY: primary_metrics.to_record(primary)}
        return all_effect_tables(builder.experiment(*runs, name=name, **record))

    return tables


def effects_by_metric(tables):
    return {
        (table.metric.column, effect.name): effect
        for table in tables["optimisation", "burst-50"]
        for effect in table.effects
    }


def comparisons(tables):
    return sum(map(comparisons_in, tables.values()))


def test_only_declared_metrics_get_a_verdict_and_enter_the_correction(tables_of):
    tables = tables_of([CACHE])
    effects = effects_by_metric(tables)
    declared = effects.pop(("makespan_s", "cache"))
    assert declared.verdict == "improvement"
    assert declared.p_holm == declared.p  # a family of one
    assert len(effects) > 5
    assert {(effect.verdict, effect.p, effect.p_holm) for effect in effects.values()} == {("reported", None, None)}
    assert comparisons(tables) == 1


def test_a_metric_that_is_not_primary_keeps_its_ratio_and_has_an_interval(tables_of):
    before, after = effects_by_metric(tables_of(None, "before")), effects_by_metric(tables_of([CACHE], "after"))
    assert before.keys() == after.keys()
    assert before["makespan_s", "workers"].verdict == "improvement"
    reported = after["makespan_s", "workers"]
    assert reported.verdict == "reported"
    assert reported.ratio == before["makespan_s", "workers"].ratio
    assert reported.interval[0] < reported.ratio < reported.interval[1]


def test_a_smaller_family_gives_a_smaller_corrected_p(tables_of):
    every, one = effects_by_metric(tables_of(None, "every")), effects_by_metric(tables_of([CACHE], "one"))
    assert one["makespan_s", "cache"].p == every["makespan_s", "cache"].p
    assert one["makespan_s", "cache"].p_holm <= every["makespan_s", "cache"].p_holm


def test_an_experiment_that_declared_nothing_gets_every_verdict(tables_of):
    tables = tables_of(None)
    assert "reported" not in {effect.verdict for effect in effects_by_metric(tables).values()}
    assert comparisons(tables) > 3


def test_an_empty_declaration_gives_no_verdict(tables_of):
    tables = tables_of([])
    assert {effect.verdict for effect in effects_by_metric(tables).values()} == {"reported"}
    assert comparisons(tables) == 0


@pytest.mark.parametrize(
    "primary",
    [
        PrimaryMetric("makespan_s", "burst-50", ("tuned-without-cache", "tuned-without-argon2")),
        PrimaryMetric("makespan_s", "burst-50", ("tuned-without-cache", "tuned-without-cache")),
    ],
)
def test_a_declared_arm_that_was_not_run_or_stands_twice_adds_no_comparison(tables_of, primary):
    assert comparisons(tables_of([primary, PrimaryMetric("makespan_s", "reads", ("tuned-without-cache",))])) == 1


def test_a_replacement_of_the_baseline_is_declared_by_the_deployment_in_its_place(tables_of):
    tables = tables_of([PrimaryMetric("makespan_s", "burst-50", ("tuned",))])
    (table,) = (each for each in tables["deployment", "burst-50"] if each.metric.column == "makespan_s")
    assert {effect.name: effect.verdict for effect in table.effects} == {"tuned": "improvement"}
    # Changes of tuned are declared by the variant, not by tuned.
    assert effects_by_metric(tables)["makespan_s", "cache"].verdict == "reported"
