"""Service demands with other caches, hashes and round trips."""

import pytest

from analysis.queueing.calibration import calibrate
from tests.calibrated_runs import known_run, only_demand, reported_python_ms, spend_cpu


def test_with_hit_ratios_draws_hits_as_often_as_given(builder):
    run = known_run(builder, "tuned", "sustained-20")
    searches = run.rows_of("search")
    for row in searches[: len(searches) // 2]:
        row |= {"cache": "miss", "app_us": row["app_us"] + 7000, "latency_us": row["latency_us"] + 7000}
    demands = calibrate(builder.experiment(spend_cpu(run, "server", reported_python_ms(run))).runs[0])
    search = demands.endpoints["search"]
    assert (len(search.hits) > 0, len(search.misses) > 0) == (True, True)
    assert search.hit_ratio == pytest.approx(len(search.hits) / (len(search.hits) + len(search.misses)))
    hit_ms, miss_ms = (demands.with_hit_ratios({"search": ratio}).cpu_ms({"search": 1.0}) for ratio in (1.0, 0.0))
    assert miss_ms - hit_ms == pytest.approx(7)
    assert demands.with_hit_ratios({"search": 0.25}).cpu_ms({"search": 1.0}) == pytest.approx(hit_ms + 0.75 * 7)
    with pytest.raises(ValueError, match=r"no measured dashboard shows its demand at a hit ratio of 0\.0%"):
        demands.with_hit_ratios({"dashboard": 0.0})
    with pytest.raises(ValueError, match="no measured scan"):
        demands.with_hit_ratios({"scan": 0.5})


def test_with_hash_factor_and_longer_round_trip_change_nothing_else(builder):
    demands = calibrate(builder.experiment(known_run(builder)).runs[0])
    slower_hash, farther = demands.with_hash_factor(4.0), demands.with_longer_round_trip(5.0)
    assert demands.hash_ms() == pytest.approx(0.2 * sum((100, 80, 5)) / 3, rel=0.01)
    assert slower_hash.hash_ms() == pytest.approx(4 * demands.hash_ms())
    near, far = only_demand(demands.endpoints["login"]), only_demand(farther.endpoints["login"])
    assert far.database_wait_ms == pytest.approx(near.database_wait_ms + 5 * near.round_trips)
    back = only_demand(farther.with_longer_round_trip(-5.0).endpoints["login"])
    assert back.database_wait_ms == pytest.approx(near.database_wait_ms)
    assert farther.cpu_ms({"login": 1.0}) == demands.cpu_ms({"login": 1.0})
