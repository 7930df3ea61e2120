"""Little's law on runs for which the number of requests in each part is known."""

import pytest

from analysis.queueing import littles_law
from workbench.aggregates import SPLIT


def test_one_user_without_think_time_has_one_request_present(builder):
    present = littles_law.requests_present(builder.experiment(builder.run("as-measured", "single")).runs[0])
    assert present["all"] == pytest.approx(1.0)
    assert present["arrivals_rps"] == pytest.approx(1000 / (185 / 3))
    assert present["latency_ms"] == pytest.approx(185 / 3)
    assert present[["pool", "db", "hash"]].to_list() == pytest.approx([0.01, 0.5, 0.2], rel=0.01)


def test_parts_add_up_and_most_requests_of_a_burst_are_in_the_queue(builder):
    present = littles_law.requests_present(builder.experiment(builder.run("as-measured", "burst-50")).runs[0])
    assert present[list(SPLIT)].sum() == pytest.approx(present["all"])
    # One request is served at any time; the others wait.
    assert present["all"] - present["queue"] == pytest.approx(1.0, rel=0.01)
    assert present["queue"] > 20


def test_part_that_was_not_reported_is_not_known(builder):
    run = builder.run()
    for row in run.rows:
        row["hash_us"] = None
    present = littles_law.requests_present(builder.experiment(run).runs[0])
    assert present.isna().to_dict()["hash"]
    assert present["all"] > 1


def test_run_without_measured_requests_has_none_present(builder):
    run = builder.run()
    run.rows = [row | {"phase": "warmup"} for row in run.rows]
    assert littles_law.requests_present(builder.experiment(run).runs[0]).empty
