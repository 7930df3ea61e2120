"""What requests cost, on runs whose costs are known."""

import pytest

from analysis.metrics import cpu_metrics
from tests.builders import SERVICE_MS

BASE, OURS = "as-measured", "tuned"


@pytest.fixture
def burst(made):
    return made.experiment(made.run())


def of(split, statistic):
    return split[split["statistic"] == statistic]


def test_the_parts_of_the_mean_add_up_to_the_mean_latency(burst):
    split = of(cpu_metrics.time_split(burst, BASE, "burst-50"), "mean")
    assert set(split["part"]) == set(cpu_metrics.PARTS)
    means_ms = burst.runs[0].measured.groupby("endpoint")["latency_ms"].mean()
    assert split.groupby("endpoint")["mean_ms"].sum().to_dict() == pytest.approx(means_ms.to_dict())
    parts = split.set_index(["endpoint", "part"])["mean_ms"]
    assert parts["login", "queue"] == pytest.approx(2450)
    assert parts["dashboard", "db"] == pytest.approx(40)
    assert parts["dashboard", "rest"] == pytest.approx(0.25 * 80)
    assert parts["dashboard", "residual"] == pytest.approx(0)


def test_the_tail_is_of_the_requests_between_its_percentiles(made):
    """Of fifty latencies that grow evenly those at 90 % to 99 % are the last but five to the last but one."""
    run = made.run()
    for place, row in enumerate(run.of("login"), start=1):
        row |= {"latency_us": 1000 * place, "queue_us": 0, "app_us": 0}
    split = of(cpu_metrics.time_split(made.experiment(run), BASE, "burst-50"), "p90–p99")
    parts = split.set_index(["endpoint", "part"])["mean_ms"]
    assert parts["login", "residual"] == pytest.approx((46 + 47 + 48 + 49) / 4)


def test_the_tail_is_taken_in_each_block_by_itself(made):
    fast, slow = made.run(), made.run(block=1, slower=3)
    split = of(cpu_metrics.time_split(made.experiment(fast, slow), BASE, "burst-50"), "p90–p99")
    alone = of(cpu_metrics.time_split(made.experiment(made.run(), name="alone"), BASE, "burst-50"), "p90–p99")
    totals, of_one = (frame.groupby("endpoint")["mean_ms"].sum() for frame in (split, alone))
    assert totals.to_dict() == pytest.approx((2 * of_one).to_dict())


def test_an_arm_without_a_valid_run_has_no_split(made):
    assert cpu_metrics.time_split(made.experiment(made.run().invalid()), BASE, "burst-50").empty


def test_work_alone_is_of_requests_that_did_it(made):
    run = made.run(OURS, "single")
    for row in run.of("dashboard")[2:]:
        row |= {"db_calls": 0, "hash_us": 0, "db_us": 0}
    alone_ms = cpu_metrics.work_alone_ms(made.experiment(run), OURS)
    assert alone_ms.loc["dashboard", "db"] == pytest.approx(0.5 * SERVICE_MS["dashboard"] / 20)
    assert alone_ms.loc["login", "hash"] == pytest.approx(0.2 * SERVICE_MS["login"] / 20)


def test_cpu_of_a_request_is_what_was_spent_from_before_the_load_until_after_it(made):
    (run,) = made.experiment(made.run()).runs
    # Nine tenths of a core for 9.25 s.
    assert cpu_metrics.cpu_ms_per_request(run) == pytest.approx(0.9 * 9250 / 150)


def test_the_generator_counts_its_own_cpu(made):
    (run,) = made.experiment(made.run()).runs
    assert cpu_metrics.cpu_ms(run, "generator") == pytest.approx(1.5 * 150)


def test_cpu_of_a_request_needs_readings(made):
    recorded = made.run()
    recorded.process = recorded.process[:-3]
    (run,) = made.experiment(recorded).runs
    assert cpu_metrics.cpu_ms_per_request(run) is None
    assert cpu_metrics.cpu_ms_per_request(run, "store") is None


@pytest.fixture
def tuned(made):
    """Single requests and two bursts of tuned, the second twice as slow, on two cores."""
    runs = [made.run(OURS, "single"), made.run(OURS), made.run(OURS, block=1, slower=2)]
    for run in runs:
        run.record["environment"] = run.record["environment"] | {"cpu_count": 2}
    return runs


def test_cpu_beside_the_work_is_less_hashes_in_the_workers_and_less_queries_in_postgresql(made, tuned):
    """The worker takes 0.9 of 0.4625 s and of 0.925 s, and 50 hashes of 1 ms, 0.8 ms and 0.05 ms are its work."""
    beside_s = cpu_metrics.beside_work_s(made.experiment(*tuned), OURS, "burst-50")
    hashes_s = 50 * 0.2 * (SERVICE_MS["login"] + SERVICE_MS["dashboard"] + SERVICE_MS["search"]) / 20 / 1000
    assert beside_s == {
        "server": pytest.approx(0.9 * (0.4625 + 0.925) / 2 - hashes_s, abs=1e-3),
        "database": 0.0,
        "generator": pytest.approx(0.225),
    }


@pytest.mark.parametrize("missing", ["single", "burst-50"])
def test_without_single_requests_or_the_burst_nothing_is_beside_the_work(made, tuned, missing):
    runs = [run for run in tuned if run.record["scenario"]["name"] != missing]
    assert cpu_metrics.beside_work_s(made.experiment(*runs), OURS, "burst-50") == {}


def test_the_load_from_elsewhere_takes_off_the_generators_cpu_on_all_cores(made, tuned):
    left_s = cpu_metrics.without_generator_s(made.experiment(*tuned), OURS, "burst-50")
    assert left_s == pytest.approx((0.4625 + 0.925) / 2 - 0.225 / 2)


def test_a_generator_that_did_not_count_cannot_be_taken_off(made, tuned):
    del tuned[1].record["generator"]
    experiment = made.experiment(*tuned)
    assert cpu_metrics.without_generator_s(experiment, OURS, "burst-50") is None
    assert cpu_metrics.without_generator_s(experiment, BASE, "burst-50") is None
