"""How many requests are where, on runs of which that is known."""

import pytest

from analysis.queueing import littles_law
from workbench.aggregates import SPLIT


def test_one_user_without_a_pause_is_always_somewhere(made):
    at = littles_law.present(made.experiment(made.run("as-measured", "single")).runs[0])
    assert at["all"] == pytest.approx(1.0)
    assert at["arrivals_rps"] == pytest.approx(1000 / (185 / 3))
    assert at["latency_ms"] == pytest.approx(185 / 3)
    assert at[["pool", "db", "hash"]].to_list() == pytest.approx([0.01, 0.5, 0.2], rel=0.01)


def test_the_parts_are_all_of_it_and_in_a_burst_it_is_the_queue(made):
    at = littles_law.present(made.experiment(made.run("as-measured", "burst-50")).runs[0])
    assert at[list(SPLIT)].sum() == pytest.approx(at["all"])
    # One is served at any time, so the others wait.
    assert at["all"] - at["queue"] == pytest.approx(1.0, rel=0.01)
    assert at["queue"] > 20


def test_a_part_that_nobody_told_is_not_known(made):
    run = made.run()
    for row in run.rows:
        row["hash_us"] = None
    at = littles_law.present(made.experiment(run).runs[0])
    assert at.isna().to_dict()["hash"]
    assert at["all"] > 1


def test_of_nothing_there_is_nothing(made):
    run = made.run()
    run.rows = [row | {"phase": "warmup"} for row in run.rows]
    assert littles_law.present(made.experiment(run).runs[0]).empty
