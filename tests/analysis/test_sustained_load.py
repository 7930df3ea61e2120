"""Whether a load is sustained: by the intervals of all endpoints, by failures, and not at all with too few blocks."""

import math

import numpy as np
import pytest

from analysis.stats.confidence import Estimate, log_mean_ci
from analysis.sustained_load import (
    INCONCLUSIVE,
    INVALID,
    NOT_SUSTAINED,
    SUSTAINED,
    decide,
    sustained_load,
)

SPREAD = (1.0, 1.02, 0.98, 1.01)
ARM = ("tuned", "burst-50")


def recorded(builder, change=lambda run, block: run, spread=SPREAD, name="made"):
    runs = [change(builder.run("tuned", block=block, slower=slower), block) for block, slower in enumerate(spread)]
    return builder.experiment(*runs, name=name)


def slowest_ms(experiment):
    return max(result.p95.value for result in sustained_load(experiment, *ARM, 1e6).endpoints)


def test_the_bound_decides_by_the_interval_of_the_slowest_endpoint(builder):
    experiment = recorded(builder)
    p95_ms = slowest_ms(experiment)
    verdicts = {factor: sustained_load(experiment, *ARM, factor * p95_ms).verdict for factor in (0.5, 1.0, 2.0)}
    assert verdicts == {0.5: NOT_SUSTAINED, 1.0: INCONCLUSIVE, 2.0: SUSTAINED}
    result = sustained_load(experiment, *ARM, p95_ms)
    assert [each.p95.value for each in result.endpoints] == sorted(
        (each.p95.value for each in result.endpoints), reverse=True
    )
    assert {each.endpoint for each in result.endpoints} == {"login", "dashboard", "search"}
    assert (result.blocks, result.planned) == (4, 4)
    assert "in 4 of 4 runs" in result.limit


def test_one_failure_is_enough(builder):
    def failing(run, block):
        if block == 2:
            run.rows[0].update(ok=False, error="500", status=500)
        return run

    result = sustained_load(recorded(builder, failing), *ARM, 1e6)
    assert (result.verdict, result.reasons) == (NOT_SUSTAINED, ("1 of 150 requests of block 3 failed",))
    assert sum(each.failures for each in result.endpoints) == 1


def test_three_valid_blocks_are_no_measurement_and_one_invalid_of_five_does_no_harm(builder):
    def invalid(run, block):
        return run.invalid("dispatch lag p99: 9 ms, allowed 5 ms") if block == 0 else run

    result = sustained_load(recorded(builder, invalid), *ARM, 1e6)
    assert (result.verdict, result.blocks, result.planned) == (INVALID, 3, 4)
    assert result.reasons == ("dispatch lag p99: 9 ms, allowed 5 ms",)
    assert sustained_load(recorded(builder, invalid, (*SPREAD, 1.0), "five"), *ARM, 1e6).verdict == SUSTAINED


def test_reasons_of_one_kind_are_counted(builder):
    experiment = recorded(builder, lambda run, block: run.invalid(f"dispatch lag p99: {block} ms"))
    assert sustained_load(experiment, *ARM, 1e6).reasons == ("dispatch lag p99: 0 ms (4 of 4 runs)",)


def test_without_an_interval_nothing_is_decided():
    assert decide([], 100) == INCONCLUSIVE
    assert decide([Estimate(1.0, 4)], 100) == INCONCLUSIVE
    assert decide([Estimate(1.0, 4, 0.9, 1.1), Estimate(math.inf, 4)], 100) == INCONCLUSIVE


@pytest.mark.simulated
def test_at_the_bound_a_load_is_called_sustained_in_at_most_one_of_forty():
    """One endpoint is at the bound, the others far below it; 4,000 experiments of 5 blocks; two standard errors."""
    random, number = np.random.default_rng(3), 4_000
    verdicts = [
        decide([log_mean_ci(centre * random.lognormal(0, 0.1, 5)) for centre in (300, 30, 20)], 300)
        for _ in range(number)
    ]
    allowed = 0.025 + 2 * math.sqrt(0.025 * 0.975 / number)
    assert verdicts.count(SUSTAINED) / number <= allowed
    assert verdicts.count(NOT_SUSTAINED) / number <= allowed
    assert verdicts.count(SUSTAINED) / number >= 0.015  # the level is used


@pytest.mark.simulated
def test_a_load_well_below_the_bound_is_mostly_found():
    """All three endpoints 20 % below it, blocks scatter by 10 %: five blocks decide in 8 of 10 experiments."""
    random, number = np.random.default_rng(4), 1_000
    verdicts = [
        decide([log_mean_ci(centre * random.lognormal(0, 0.1, 5)) for centre in (240, 240, 240)], 300)
        for _ in range(number)
    ]
    assert verdicts.count(SUSTAINED) / number >= 0.8
