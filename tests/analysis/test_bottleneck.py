"""Bottlenecks and the growth of the tail, on runs for which both are known."""

import pytest

from analysis import bottleneck
from analysis.findings import wording
from workbench.arms import BASELINE, TUNED


def use_by_name(run):
    return {use.resource: use for use in bottleneck.resource_use(run)}


def run_of(builder, recorded):
    (run,) = builder.experiment(recorded).runs
    return run


def test_a_worker_that_is_always_busy_is_the_bottleneck(builder):
    """Fifty users at one worker: it is busy from the first send to the last response, and all others wait for it."""
    recorded = builder.run()
    recorded.record["environment"] = recorded.record["environment"] | {"cpu_count": 2}
    run = run_of(builder, recorded)
    worker = use_by_name(run)["worker"]
    waited_ms = sum(row["queue_us"] for row in builder.run().rows) / 1000
    assert worker.utilisation == pytest.approx(1.0, rel=0.001)
    assert worker.waiting == pytest.approx(waited_ms / 9250, rel=0.001)
    assert worker.errors == 0
    result = bottleneck.find_bottleneck(run)
    assert result.resource == "worker"
    assert "100.0% in use" in result.sentence
    assert f"{worker.waiting:.1f} requests waited" in result.sentence


def test_the_innermost_saturated_resource_is_the_bottleneck(builder):
    """The same worker, but the machine has a single core and the system took nearly all of it."""
    recorded = builder.run()
    for row in recorded.process:
        if row["role"] == "database":
            row["cpu_us"] = round(row["cpu_us"] * 1.5)
    run = run_of(builder, recorded)
    assert use_by_name(run)["CPU"].utilisation > bottleneck.MIN_UTILISATION
    result = bottleneck.find_bottleneck(run)
    assert result.resource == "CPU"
    assert "CPU utilisation" not in result.sentence


def test_a_database_whose_sessions_wait_is_the_bottleneck_of_a_saturated_pool(builder):
    """All connections are in use all the time, their sessions wait for a lock, and the CPU is hardly used."""
    recorded = builder.run()
    for row in recorded.process:
        row["cpu_us"] //= 100
    for n, row in enumerate(recorded.pool):
        row |= {"use_ns": n * 50 * 3_000_000_000, "wait_ns": n * 10_000_000_000, "limit": 50}
    without_waits = run_of(builder, recorded)
    assert bottleneck.find_bottleneck(without_waits).resource == "pool"
    for row in [row for row in recorded.database if row["source"] == "activity"]:
        row |= {"name": "active", "metric": "Lock:tuple", "value": 20.0}
    result = bottleneck.find_bottleneck(builder.experiment(recorded, name="locked").runs[0])
    assert result.resource == "database"
    assert "20.0 requests waited for it" in result.sentence


def test_a_saturated_load_generator_comes_before_the_system(builder):
    recorded = builder.run()
    for gate in recorded.record["gates"]:
        if gate["name"] == "generator CPU, share of one core":
            gate["value"] = 0.93
    result = bottleneck.find_bottleneck(run_of(builder, recorded))
    assert result.resource == "load generator"
    assert "93% of a core" in result.sentence


def test_without_a_saturated_resource_the_busiest_is_named(builder):
    recorded = builder.run(TUNED, "sustained-100")
    for row in recorded.process:
        row["cpu_us"] = row["cpu_us"] // 10
    for row in recorded.rows:
        row |= {"app_us": row["app_us"] // 10, "queue_us": 0}
    result = bottleneck.find_bottleneck(run_of(builder, recorded))
    assert result.resource is None
    assert result.sentence.startswith(
        "no resource was saturated (at least 85.0% in use, and waited for); the busiest was "
    )


def test_session_waits_are_means_over_the_readings_and_count_for_the_database(builder):
    recorded = builder.run()
    instants_us = {row["at_us"] for row in recorded.database if row["source"] == "activity"}
    for at_us in instants_us:
        for wait, sessions in (("Lock:tuple", 3.0), ("Client:ClientRead", 5.0), ("none", 1.0)):
            row = {"at_us": at_us, "source": "activity", "name": "active", "metric": wait, "value": sessions}
            recorded.database.append(row)
    run = run_of(builder, recorded)
    assert use_by_name(run)["database"].waiting == pytest.approx(3.0)
    waits = bottleneck.session_waits(run).set_index("wait")["sessions"]
    assert waits.to_dict() == {"Client:ClientRead": 5, "Lock:tuple": 3, "CPU or nothing": 1}


def test_tail_growth_is_the_sum_of_its_parts(builder):
    """From 25 to 50 users at one worker only the waiting for it grows."""
    experiment = builder.experiment(builder.run(BASELINE, "burst-25"), builder.run(BASELINE, "burst-50"))
    growth = bottleneck.tail_growth(experiment, BASELINE, "burst-25", "burst-50")
    longer_ms = (growth["more_ms"] - growth["fewer_ms"]).to_list()
    assert min(longer_ms) > 0
    assert growth["queue"].to_list() == pytest.approx(longer_ms)
    assert growth[list(bottleneck.SPLIT)].sum(axis=1).to_list() == pytest.approx(longer_ms)
    sentence = wording.growth_sentence(BASELINE, "burst-25", "burst-50", growth)
    assert sentence == (
        "Growth of tail latency on as-measured from burst-25 to burst-50: waiting for a worker 100%; from 6 and 12 "
        "requests, no interval."
    )


def test_tail_growth_is_empty_where_a_scenario_was_not_run(builder):
    experiment = builder.experiment(builder.run(BASELINE, "burst-50"))
    growth = bottleneck.tail_growth(experiment, BASELINE, "burst-25", "burst-50")
    assert growth.empty
    assert "were not both measured" in wording.growth_sentence(BASELINE, "burst-25", "burst-50", growth)


def test_top_statements_are_sorted_by_their_total_time(builder):
    recorded = builder.run()
    for name, calls, total_ms in (("SELECT slow", 10, 900.0), ("SELECT fast", 1000, 98.5)):
        for metric, value in (("calls", calls), ("total_ms", total_ms)):
            recorded.database.append(
                {"at_us": 9_000_000, "source": "statement", "name": name, "metric": metric, "value": float(value)}
            )
    table = bottleneck.top_statements(run_of(builder, recorded), limit=2)
    assert table["statement"].to_list() == ["SELECT slow", "SELECT fast"]
    assert table["mean_ms"].to_list() == pytest.approx([90, 0.0985])
    assert table["share"].iloc[0] == pytest.approx(900 / (900 + 98.5 + 0.01 * 150))
