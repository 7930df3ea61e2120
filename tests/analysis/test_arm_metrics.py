"""Metrics of arms and runs, on runs whose metrics follow from how they were built.

In a burst of n users every login is served first, then every dashboard, then every search: the last response comes
after n · (100 + 80 + 5) ms, and a mean login takes 100 · (n + 1) / 2 ms.
"""

import pandas as pd
import pytest

from analysis.metrics import arm_metrics
from workbench.recording import Experiment

LATENCY_50_MS = {"login": 2550.0, "dashboard": 4490.0, "search": 2087.5}


@pytest.fixture
def burst(builder) -> Experiment:
    return builder.experiment(builder.run(), builder.run("tuned"))


def test_makespan_is_from_the_first_send_to_the_last_response(burst):
    assert [arm_metrics.makespan_s(run) for run in burst.runs] == pytest.approx([9.25, 0.4625])


def test_makespan_leaves_out_the_warm_up(builder):
    (run,) = builder.experiment(builder.run("as-measured", "single")).runs
    assert arm_metrics.makespan_s(run) == pytest.approx(30 * 0.185)


def test_duration_is_the_geometric_mean_over_the_blocks(builder):
    experiment = builder.experiment(*(builder.run(block=n, slower=slower) for n, slower in enumerate((1, 2, 4))))
    assert arm_metrics.duration_s(experiment, "as-measured", "burst-50") == pytest.approx(18.5)


def test_throughput_counts_successful_responses_only(builder, burst):
    assert arm_metrics.throughput_rps(burst, "as-measured", "burst-50") == pytest.approx(150 / 9.25)
    recorded = builder.run()
    for row in recorded.rows[:15]:
        row["ok"] = False
    experiment = builder.experiment(recorded, name="failures")
    assert arm_metrics.throughput_rps(experiment, "as-measured", "burst-50") == pytest.approx(135 / 9.25)


def test_success_ratio_is_over_all_requests_of_the_arm(builder):
    recorded = builder.run(block=1)
    for row in recorded.rows[:15]:
        row["ok"] = False
    experiment = builder.experiment(builder.run(), recorded)
    assert arm_metrics.success_ratio(experiment, "as-measured", "burst-50") == pytest.approx(0.95)


def test_failures_of_an_arm_are_counted_by_kind_and_endpoint(builder):
    runs = [builder.run(block=block) for block in range(2)]
    for row in (*runs[0].rows_of("login")[:3], *runs[1].rows_of("search")[:1]):
        row |= {"ok": False, "error": "status 503"}
    experiment = builder.experiment(*runs, builder.run("tuned"))
    arm = experiment, "as-measured", "burst-50"
    assert arm_metrics.failures(*arm) == "4 of 300: login 3 × status 503; search 1 × status 503"
    assert arm_metrics.failures(*arm, "login") == "3 of 100: 3 × status 503"
    assert arm_metrics.failures(*arm, "dashboard") == "none"
    assert arm_metrics.failures(experiment, "tuned", "burst-50") == "none"
    assert arm_metrics.failures(experiment, "tuned", "burst-25") is None


def test_mean_latency_and_percentile_curve_are_of_the_successful_responses(builder, burst):
    recorded = builder.run()
    recorded.rows += [row | {"ok": False, "error": "x", "latency_us": 1} for row in recorded.rows]
    experiment = builder.experiment(recorded, name="failures")
    arm = "as-measured", "burst-50"
    assert arm_metrics.mean_ms(experiment, *arm) == pytest.approx(arm_metrics.mean_ms(burst, *arm))
    curves = [arm_metrics.percentile_curve(each, *arm, points=20) for each in (experiment, burst)]
    pd.testing.assert_frame_equal(*curves)
    for row in recorded.rows:
        row["ok"] = False
    dead = builder.experiment(recorded, name="dead")
    assert arm_metrics.mean_ms(dead, *arm) is None
    assert arm_metrics.percentile_curve(dead, *arm).empty


def test_percentile_curve_ends_where_it_reaches_into_dropped_arrivals(builder):
    recorded = builder.run("tuned", "open-20")
    plain = builder.experiment(recorded, name="plain")
    recorded.record["generator"]["dropped"] = {"warmup": 0, "measure": 10}
    experiment = builder.experiment(recorded)
    curve = arm_metrics.percentile_curve(experiment, "tuned", "open-20")
    last = 1 - 10 ** -curve["nines"].max()
    assert 0.70 <= last <= 29 / 39
    assert curve["latency_ms"].iloc[-1] <= plain.runs[0].measured["latency_ms"].max()


def test_latency_of_endpoints_of_another_application_follows_ours(builder):
    recorded = builder.run()
    for row in recorded.rows_of("login"):
        row["endpoint"] = "GET item"
    table = arm_metrics.latency(builder.experiment(recorded), "as-measured", "burst-50")
    assert list(table.index) == ["dashboard", "search", "GET item"]


def test_an_invalid_run_changes_no_metric(builder, burst):
    slow = builder.run(block=1, slower=10).invalid()
    for row in slow.rows:
        row["ok"] = False
    experiment = builder.experiment(builder.run(), slow, name="with-invalid")
    for measure in (arm_metrics.duration_s, arm_metrics.throughput_rps, arm_metrics.success_ratio):
        assert measure(experiment, "as-measured", "burst-50") == measure(burst, "as-measured", "burst-50")


def test_latency_by_endpoint_is_that_of_the_queue(burst):
    table = arm_metrics.latency(burst, "as-measured", "burst-50")
    assert list(table.index) == ["login", "dashboard", "search"]
    assert table["mean_ms"].to_dict() == pytest.approx(LATENCY_50_MS)
    assert table.loc["login", ["min_ms", "median_ms", "max_ms"]].tolist() == pytest.approx([100, 2550, 5000])
    assert table.loc["login", "p95_ms"] == pytest.approx(100 + 0.95 * 4900)
    assert table["requests"].tolist() == [50, 50, 50]


def test_latency_of_several_blocks_is_that_of_all_their_requests(builder):
    experiment = builder.experiment(*(builder.run(block=n, slower=slower) for n, slower in enumerate((1, 2, 6))))
    table = arm_metrics.latency(experiment, "as-measured", "burst-50")
    assert table["mean_ms"].to_dict() == pytest.approx({name: 3 * ms for name, ms in LATENCY_50_MS.items()})
    pooled_ms = pd.concat(run.measured for run in experiment.runs).query("endpoint == 'login'")["latency_ms"]
    assert table.loc["login", "max_ms"] == pytest.approx(30_000)
    assert table.loc["login", "p95_ms"] == pytest.approx(pooled_ms.quantile(0.95))


def test_two_runs_in_a_block_count_as_one_duration(builder):
    runs = [builder.run(), builder.run(replicate=True, slower=4), builder.run(block=1, slower=2)]
    experiment = builder.experiment(*runs)
    assert arm_metrics.duration_s(experiment, "as-measured", "burst-50") == pytest.approx(18.5)
    assert arm_metrics.latency(experiment, "as-measured", "burst-50")["requests"].to_list() == [150, 150, 150]


def test_an_endpoint_without_requests_has_no_latency(builder):
    experiment = builder.experiment(builder.run("as-measured", "reads"), builder.run("tuned", "sustained-100-write"))
    assert list(arm_metrics.latency(experiment, "as-measured", "reads").index) == ["dashboard", "search"]
    with_writes = arm_metrics.latency(experiment, "tuned", "sustained-100-write")["mean_ms"]
    assert with_writes.to_dict() == pytest.approx({"login": 5, "dashboard": 4, "search": 0.25, "scan": 1})


def test_cache_outcomes_are_counted(builder, burst):
    assert arm_metrics.cache_outcomes(burst, "as-measured", "burst-50").to_dict() == {
        "hit": 0, "stale": 0, "miss": 0, "none": 150,
    }  # fmt: skip
    recorded = builder.run("tuned")
    for row in recorded.rows_of("search")[:7]:
        row["cache"] = "miss"
    outcomes = arm_metrics.cache_outcomes(builder.experiment(recorded, name="missed"), "tuned", "burst-50")
    assert outcomes.to_dict() == {"hit": 93, "stale": 0, "none": 50, "miss": 7}


def test_round_trips_are_those_of_successful_responses(builder):
    recorded = builder.run("as-measured", "reads")
    for row in recorded.rows_of("search")[:3]:
        row |= {"ok": False, "db_calls": 99, "db_round_trips": 99}
    table = arm_metrics.round_trips(builder.experiment(recorded), "as-measured", "reads")
    assert table.to_dict("index") == {
        "dashboard": {"statements": 2, "round_trips": 5},
        "search": {"statements": 1, "round_trips": 4},
    }


def test_pool_totals_are_sums_over_workers_and_the_longest_of_any(burst):
    totals = arm_metrics.pool_totals(burst.runs[1])
    assert totals[["uses", "acquires", "creates", "limit"]].tolist() == [150, 150, 2, 6]
    assert totals["use_ns"] == 150 * 4_000_000
    assert totals[["longest_wait_ns", "longest_use_ns"]].tolist() == [4_000_000, 9_000_000]


def test_pool_totals_are_those_of_the_last_reading_in_any_order(builder):
    recorded = builder.run()
    recorded.pool.reverse()
    assert arm_metrics.pool_totals(builder.experiment(recorded).runs[0])["uses"] == 150


def test_peak_connections_are_those_of_one_reading_over_all_states(builder):
    recorded = builder.run()
    activity = [row for row in recorded.database if row["source"] == "activity"]
    recorded.database.append(activity[2] | {"name": "active", "value": 3.0})
    assert arm_metrics.peak_connections(builder.experiment(recorded).runs[0]) == 4


def test_statement_calls_and_database_totals_are_of_one_statement_and_one_metric(burst):
    run = burst.runs[0]
    assert arm_metrics.statement_calls(run, "SELECT $1") == 149
    assert arm_metrics.statement_calls(run, "SELECT $2") == 0
    assert arm_metrics.database_total(run, "database", "sessions") == 1
    assert arm_metrics.database_total(run, "statement", "calls") == 149 + 150


def test_peak_memory_is_the_largest_of_a_role(builder, burst):
    run = burst.runs[0]
    assert arm_metrics.peak_memory_bytes(run) == 64 * 2**20
    assert arm_metrics.peak_memory_bytes(run, "database") == 54 * 2**20
    recorded = builder.run()
    for row in recorded.process:
        row["pss_bytes"] = None
    assert arm_metrics.peak_memory_bytes(builder.experiment(recorded, name="unread").runs[0]) is None


@pytest.mark.parametrize("measure", [arm_metrics.duration_s, arm_metrics.throughput_rps, arm_metrics.success_ratio])
def test_an_arm_without_a_valid_run_has_no_metric(builder, measure):
    experiment = builder.experiment(builder.run().invalid(), builder.run(block=1).cut_off())
    assert measure(experiment, "as-measured", "burst-50") is None
    assert measure(experiment, "tuned", "burst-50") is None


@pytest.mark.parametrize("measure", [arm_metrics.latency, arm_metrics.round_trips, arm_metrics.cache_outcomes])
def test_an_arm_without_a_valid_run_has_an_empty_table(builder, measure):
    assert measure(builder.experiment(builder.run().invalid()), "as-measured", "burst-50").empty


def test_a_run_without_readings_has_no_metric_of_them(builder):
    (run,) = builder.experiment(builder.run().cut_off()).runs
    assert arm_metrics.pool_totals(run) is None
    assert arm_metrics.peak_connections(run) is None
    assert arm_metrics.peak_memory_bytes(run) is None
    assert arm_metrics.statement_calls(run, "SELECT $1") == 0
