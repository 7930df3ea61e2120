"""The waterfall between two experiments: its steps add up to the difference of the latencies, the rest is shown."""

import pytest

from analysis.waterfall_between import waterfall_between
from workbench.request_schema import PARTS

ARM = ("tuned", "burst-50")


@pytest.fixture
def experiment(builder):
    """An experiment of four blocks of `ARM`; `change` edits each request row."""

    def experiment(name, change=lambda row: None, blocks=4):
        runs = [builder.run(*ARM, block=block, slower=1 + block / 100) for block in range(blocks)]
        for row in (row for run in runs for row in run.rows):
            change(row)
        return builder.experiment(*runs, name=name)

    return experiment


def longer_hash(row):
    """Each request takes 10 ms more, in its hash."""
    for name in ("hash_us", "app_us", "latency_us", "response_us"):
        row[name] += 10_000


def steps_by_part(fall):
    return {step.part: step for step in fall.parts}


def test_the_step_of_the_part_that_changed_is_the_whole_difference(experiment):
    fall = waterfall_between(experiment("old"), experiment("new", longer_hash), *ARM)
    steps = steps_by_part(fall)
    assert fall.latency.difference_ms == pytest.approx(10)
    assert steps["hash"].difference_ms == pytest.approx(10)
    assert steps["queue"].difference_ms == pytest.approx(0, abs=1e-9)
    assert fall.unexplained_ms == pytest.approx(0, abs=1e-9)
    low, high = steps["hash"].interval
    assert low < 10 < high


def test_a_part_that_only_one_side_measured_is_unexplained(experiment):
    def without_database(row):
        longer_hash(row)
        row["db_us"] = None

    fall = waterfall_between(experiment("old"), experiment("new", without_database), *ARM)
    assert "db" not in steps_by_part(fall)
    assert "db" in fall.unmeasured
    explained = sum(step.difference_ms for step in fall.parts)
    assert fall.unexplained_ms == pytest.approx(fall.latency.difference_ms - explained)
    assert abs(fall.unexplained_ms) > 0.1


def test_fewer_than_four_blocks_have_no_interval(experiment):
    fall = waterfall_between(experiment("old"), experiment("new", longer_hash, blocks=3), *ARM)
    assert all(step.interval is None for step in (fall.latency, *fall.parts))


def test_failed_responses_and_targets_without_timing_have_no_waterfall(experiment):
    def failing(row):
        row |= {"ok": False, "error": "status 500"}

    def untimed(row):
        row |= dict.fromkeys(("queue_us", "app_us", *(f"{part}_us" for part in PARTS)))

    old = experiment("old")
    assert waterfall_between(old, experiment("failing", failing, blocks=1), *ARM) is None
    assert waterfall_between(old, experiment("untimed", untimed, blocks=1), *ARM) is None
    assert waterfall_between(old, old, "tuned", "burst-25") is None
