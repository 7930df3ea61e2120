"""What-if predictions from runs whose service demands are known."""

import pytest

from analysis.capacity.bracket import MAX_P95_MS
from analysis.queueing.preconditions import MODELLED_SETTINGS, PredictionError
from analysis.queueing.what_if import DeploymentModel, hit_ratio
from tests.calibrated_runs import reported_python_ms, spend_cpu

BASELINE, TUNED = "as-measured", "tuned"


def recorded(builder, deployment=BASELINE, scenario="sustained-20"):
    """A run without overhead: workers compute what requests report, and the load generator nothing."""
    run = builder.run(deployment, scenario)
    run.record["generator"]["cpu_ms"] = 0.0
    return spend_cpu(run, "server", reported_python_ms(run))


def model(builder, deployment=BASELINE, scenario="sustained-20", name="made", given=None, **changes):
    run = builder.experiment(recorded(builder, deployment, scenario), name=name).runs[0]
    return DeploymentModel.from_run(run, {**run.record["deployment"]["settings"], **changes}, **(given or {}))


def test_predict_of_a_small_load_gives_the_measured_latencies(builder):
    prediction = model(builder).predict("sustained", 1)
    assert prediction.p95_ms == pytest.approx({"login": 100, "dashboard": 80, "search": 5}, rel=0.01)
    assert prediction.throughput_rps == pytest.approx(1 / 2.04, rel=0.1)
    assert prediction.slowest_ms == max(prediction.p95_ms.values())


def test_capacity_is_the_load_at_which_p95_reaches_the_bound(builder):
    deployment = model(builder)
    for family, highest in (("open", 20_000), ("sustained", 5_000)):
        capacity = deployment.capacity(family, highest)
        below, above = (deployment.predict(family, factor * capacity).slowest_ms for factor in (0.7, 1.4))
        assert below < MAX_P95_MS < above
    # 5, 45 and 50 of a hundred requests keep the one worker busy for 100, 80 and 5 ms: it serves at most 23 a second.
    assert 0.4 < deployment.capacity("open", 20_000) / (1000 / 43.5) < 1.0


def test_capacity_is_at_most_the_highest_load(builder):
    assert model(builder).capacity("open", 3) == 3


def test_capacity_grows_with_workers_and_falls_with_the_round_trip(builder):
    # On one core, a second worker only waits for PostgreSQL at the same time.
    changes = {"same": {}, "two-workers": {"workers": 2}, "far": {"round_trip_ms": 40.0}}
    capacity = {name: model(builder, name=name, **change).capacity("open", 500) for name, change in changes.items()}
    assert capacity["far"] < capacity["same"] < capacity["two-workers"]


def test_predict_with_a_longer_hash_has_logins_slower_by_that(builder):
    hash_ms = model(builder, name="same").demands.hash_ms()
    slower = model(builder, name="slower", given={"hash_ms": 3 * hash_ms})
    assert slower.predict("sustained", 1).p95_ms["login"] == pytest.approx(100 + 2 * 20, rel=0.01)


def cached(builder):
    """Models of `tuned` with other settings, from a run in which half of the searches are misses of 40 ms more."""
    run = recorded(builder, TUNED)
    for row in run.rows_of("search")[::2]:
        row |= {"cache": "miss", "app_us": row["app_us"] + 40_000, "latency_us": row["latency_us"] + 40_000}
    for row in run.rows_of("dashboard")[::2]:
        row["cache"] = "miss"
    for reading in run.process:
        reading["at_us"] += 40_000 * (reading["at_us"] > run.rows[-1]["start_us"])
    run.record["environment"] = run.record["environment"] | {"cpu_count": 4}
    base = builder.experiment(spend_cpu(run, "server", reported_python_ms(run))).runs[0]
    settings = base.record["deployment"]["settings"]
    return lambda given=None, **changes: DeploymentModel.from_run(base, {**settings, **changes}, **(given or {}))


def test_predict_with_the_cache_off_has_every_read_as_slow_as_a_miss(builder):
    model_with = cached(builder)
    searches_ms = [
        model_with(**changes).predict("sustained", 1).p95_ms["search"]
        for changes in ({"cache": "off"}, {"given": {"hit_ratios": {"search": 1.0}}})
    ]
    assert searches_ms == pytest.approx([40.25, 0.25], rel=0.05)


def test_hit_ratio_follows_from_the_lifetime_and_the_rate(builder):
    assert hit_ratio(rate_rps=10, ttl_s=1) == pytest.approx(10 / 11)
    assert hit_ratio(0, 30) == 0
    model_with = cached(builder)
    long_ms, short_ms = (model_with(cache_search_ttl_s=ttl_s).predict("open", 2.0).mean_ms for ttl_s in (300, 2))
    assert short_ms > 2 * long_ms


@pytest.mark.parametrize(
    ("changes", "given", "message"),
    [
        ({"sessions": "cookie"}, {}, "the model does not cover a change of sessions; it covers server, workers"),
        ({"password_hash": "argon2id"}, {}, "the time of a hash by argon2id is not given"),
        ({"cache": "process"}, {}, "no measured dashboard shows its demand at a hit ratio of"),
    ],
)
def test_change_that_the_model_does_not_cover_is_refused(builder, changes, given, message):
    with pytest.raises(PredictionError, match=message):
        model(builder, given=given, **changes).predict("open", 5.0)


@pytest.mark.parametrize("scenario", ["burst-25", "single", "ramp-10"])
def test_load_that_is_not_steady_is_refused(builder, scenario):
    with pytest.raises(PredictionError, match=f"{scenario} is no steady load"):
        model(builder, scenario=scenario)


def test_users_from_a_run_under_open_load_are_refused(builder):
    with pytest.raises(PredictionError, match="an open load has no think time"):
        model(builder, scenario="open-10").predict("sustained", 3)


def test_run_without_service_demands_is_refused(builder):
    unread = builder.run(BASELINE, "sustained-20")
    unread.process = None
    with pytest.raises(PredictionError, match="does not show the service demands of its requests"):
        DeploymentModel.from_run(builder.experiment(unread).runs[0])


def test_run_of_another_application_is_refused(builder):
    run = builder.run(BASELINE, "sustained-20")
    run.record["deployment"] = {"name": "target", "settings": {"url": "http://127.0.0.1:8000"}}
    with pytest.raises(PredictionError, match="has no record of the settings server, workers"):
        DeploymentModel.from_run(builder.experiment(run).runs[0])


@pytest.mark.parametrize(
    ("changed", "message"), [({"valid": False}, "is not valid"), ({"status": "aborted"}, "is aborted")]
)
def test_invalid_run_is_refused(builder, changed, message):
    run = builder.run(BASELINE, "sustained-20")
    run.record |= changed
    with pytest.raises(PredictionError, match=message):
        DeploymentModel.from_run(builder.experiment(run).runs[0])


@pytest.mark.parametrize("kept", [0, 4])
def test_endpoint_with_few_responses_is_refused(builder, kept):
    run = recorded(builder)
    logins = [row for row in run.rows_of("login") if row["phase"] == "measure"][kept:]
    run.rows = [row for row in run.rows if row not in logins]
    deployment = DeploymentModel.from_run(builder.experiment(run).runs[0])
    message = "fewer than 5 successful responses to login were measured; a longer run has more"
    with pytest.raises(PredictionError, match=message):
        deployment.capacity("open", 100)


def test_run_with_a_saturated_resource_is_refused(builder):
    run = recorded(builder)
    for row in run.rows:
        row["queue_us"] = 1_000_000
    with pytest.raises(PredictionError, match=r"the worker.*; predict from a run under a smaller load"):
        DeploymentModel.from_run(builder.experiment(run).runs[0])


def test_model_of_a_load_from_several_processes_has_as_many_generators(builder):
    run = recorded(builder)
    run.record["processes"] = 3
    assert DeploymentModel.from_run(builder.experiment(run).runs[0]).server.generators == 3


def test_modelled_settings_are_settings_of_a_deployment(builder):
    assert set(MODELLED_SETTINGS) <= builder.run().record["deployment"]["settings"].keys()
