"""Verdicts on advice from effects: of four blocks, and of fewer."""

from dataclasses import replace

import pytest

from analysis import ablation
from analysis.findings.advice_verdict import advice_verdict
from analysis.findings.finding import FOLLOW, INCONCLUSIVE, NOT_MEASURED
from workbench.arms import BASELINE, BURST_50, TUNED

VERDICTS = {"improvement": FOLLOW}


def effect_of(builder, blocks):
    runs = [builder.run(name, block=block) for block in range(blocks) for name in (BASELINE, TUNED)]
    return ablation.effect_of(builder.experiment(*runs), BASELINE, TUNED, BURST_50, "makespan_s")


@pytest.fixture
def effect(builder):
    return effect_of(builder, 4)


def test_a_decided_effect_gives_its_verdict(effect):
    assert advice_verdict(replace(effect, verdict="improvement"), VERDICTS) == (FOLLOW, "")


def test_an_effect_that_four_blocks_leave_open_is_inconclusive(effect):
    assert effect.interval is not None
    assert advice_verdict(replace(effect, verdict="inconclusive"), VERDICTS) == (INCONCLUSIVE, "")


def test_an_effect_of_fewer_blocks_decides_nothing(builder):
    assert advice_verdict(effect_of(builder, 1), VERDICTS) == (NOT_MEASURED, " (inconclusive)")


def test_a_verdict_that_says_nothing_about_the_advice_is_named(effect):
    assert advice_verdict(replace(effect, verdict="equivalent"), VERDICTS) == (NOT_MEASURED, " (equivalent)")
