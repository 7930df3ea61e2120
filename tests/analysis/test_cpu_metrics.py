"""The cost of requests, on runs whose costs are known."""

import pytest

from analysis.metrics import cpu_metrics
from tests.builders import SERVICE_MS
from workbench.aggregates import SPLIT
from workbench.arms import BASELINE, TUNED


@pytest.fixture
def burst(builder):
    return builder.experiment(builder.run())


def rows_of(split, statistic):
    return split[split["statistic"] == statistic]


def test_the_parts_of_the_mean_add_up_to_the_mean_latency(burst):
    split = rows_of(cpu_metrics.time_split(burst, BASELINE, "burst-50"), "mean")
    assert set(split["part"]) == set(SPLIT)
    means_ms = burst.runs[0].measured.groupby("endpoint")["latency_ms"].mean()
    assert split.groupby("endpoint")["mean_ms"].sum().to_dict() == pytest.approx(means_ms.to_dict())
    parts = split.set_index(["endpoint", "part"])["mean_ms"]
    assert parts["login", "queue"] == pytest.approx(2450)
    assert parts["dashboard", "db"] == pytest.approx(40)
    assert parts["dashboard", "rest"] == pytest.approx(0.25 * 80)
    assert parts["dashboard", "residual"] == pytest.approx(0)


def test_the_tail_is_that_of_the_requests_between_p90_and_p99(builder):
    """Of fifty latencies that grow evenly those at 90 % to 99 % are the last but five to the last but one."""
    run = builder.run()
    for place, row in enumerate(run.rows_of("login"), start=1):
        row |= {"latency_us": 1000 * place, "queue_us": 0, "app_us": 0}
    split = rows_of(cpu_metrics.time_split(builder.experiment(run), BASELINE, "burst-50"), "p90–p99")
    parts = split.set_index(["endpoint", "part"])["mean_ms"]
    assert parts["login", "residual"] == pytest.approx((46 + 47 + 48 + 49) / 4)


def test_the_tail_is_taken_within_each_run(builder):
    fast, slow = builder.run(), builder.run(block=1, slower=3)
    split = rows_of(cpu_metrics.time_split(builder.experiment(fast, slow), BASELINE, "burst-50"), "p90–p99")
    one_block = rows_of(
        cpu_metrics.time_split(builder.experiment(builder.run(), name="one-block"), BASELINE, "burst-50"), "p90–p99"
    )
    two_ms, one_ms = (frame.groupby("endpoint")["mean_ms"].sum() for frame in (split, one_block))
    assert two_ms.to_dict() == pytest.approx((2 * one_ms).to_dict())


def test_an_arm_without_a_valid_run_has_no_split(builder):
    assert cpu_metrics.time_split(builder.experiment(builder.run().invalid()), BASELINE, "burst-50").empty


def test_unloaded_work_is_that_of_requests_with_such_work(builder):
    run = builder.run(TUNED, "single")
    for row in run.rows_of("dashboard")[2:]:
        row |= {"db_calls": 0, "hash_us": 0, "db_us": 0}
    unloaded_ms = cpu_metrics.unloaded_work_ms(builder.experiment(run), TUNED)
    assert unloaded_ms.loc["dashboard", "db"] == pytest.approx(0.5 * SERVICE_MS["dashboard"] / 20)
    assert unloaded_ms.loc["login", "hash"] == pytest.approx(0.2 * SERVICE_MS["login"] / 20)


def test_cpu_per_request_is_from_before_the_load_until_after_it(builder):
    (run,) = builder.experiment(builder.run()).runs
    # Nine tenths of a core for 9.25 s.
    assert cpu_metrics.cpu_ms_per_request(run) == pytest.approx(0.9 * 9250 / 150)


def test_cpu_of_the_generator_is_its_own_count(builder):
    (run,) = builder.experiment(builder.run()).runs
    assert cpu_metrics.cpu_ms(run, "generator") == pytest.approx(1.5 * 150)


def test_cpu_per_request_is_none_without_readings(builder):
    recorded = builder.run()
    recorded.process = recorded.process[:-3]
    (run,) = builder.experiment(recorded).runs
    assert cpu_metrics.cpu_ms_per_request(run) is None
    assert cpu_metrics.cpu_ms_per_request(run, "store") is None


@pytest.fixture
def tuned(builder):
    """Single requests and two bursts of tuned, the second twice as slow, on two cores."""
    runs = [builder.run(TUNED, "single"), builder.run(TUNED), builder.run(TUNED, block=1, slower=2)]
    for run in runs:
        run.record["environment"] = run.record["environment"] | {"cpu_count": 2}
    return runs


def test_other_cpu_is_without_the_hashes_of_the_workers_and_the_queries_of_postgresql(builder, tuned):
    """The worker takes 0.9 of 0.4625 s and of 0.925 s, and 50 hashes of 1 ms, 0.8 ms and 0.05 ms are its work."""
    other_s = cpu_metrics.other_cpu_s(builder.experiment(*tuned), TUNED, "burst-50")
    hashes_s = 50 * 0.2 * (SERVICE_MS["login"] + SERVICE_MS["dashboard"] + SERVICE_MS["search"]) / 20 / 1000
    assert other_s == {
        "server": pytest.approx(0.9 * (0.4625 + 0.925) / 2 - hashes_s, abs=1e-3),
        "database": 0.0,
        "generator": pytest.approx(0.225),
    }


@pytest.mark.parametrize("missing", ["single", "burst-50"])
def test_other_cpu_is_empty_without_single_requests_or_the_burst(builder, tuned, missing):
    runs = [run for run in tuned if run.record["scenario"]["name"] != missing]
    assert cpu_metrics.other_cpu_s(builder.experiment(*runs), TUNED, "burst-50") == {}


@pytest.mark.parametrize("scenario", ["burst-50", "start"])
def test_cpu_lower_bound_is_none_without_single_requests(builder, scenario):
    experiment = builder.experiment(builder.run(TUNED, scenario))
    assert cpu_metrics.cpu_lower_bound_s(experiment, TUNED, scenario) is None


def test_cpu_lower_bound_is_the_hashes_and_queries_over_all_cores(builder, tuned):
    """Each of the fifty users has a hash and queries in each of three requests."""
    work_s = 50 * (0.2 + 0.5) * (SERVICE_MS["login"] + SERVICE_MS["dashboard"] + SERVICE_MS["search"]) / 20 / 1000
    bound_s = cpu_metrics.cpu_lower_bound_s(builder.experiment(*tuned), TUNED, "burst-50")
    assert bound_s == pytest.approx(work_s / 2, rel=1e-3)


def test_makespan_without_generator_takes_off_its_cpu_on_all_cores(builder, tuned):
    makespan_s = cpu_metrics.makespan_without_generator_s(builder.experiment(*tuned), TUNED, "burst-50")
    assert makespan_s == pytest.approx((0.4625 + 0.925) / 2 - 0.225 / 2)


def test_makespan_without_generator_is_none_where_its_cpu_was_not_counted(builder, tuned):
    del tuned[1].record["generator"]
    experiment = builder.experiment(*tuned)
    assert cpu_metrics.makespan_without_generator_s(experiment, TUNED, "burst-50") is None
    assert cpu_metrics.makespan_without_generator_s(experiment, BASELINE, "burst-50") is None
