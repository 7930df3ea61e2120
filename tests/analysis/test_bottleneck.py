"""What limits a run and what growth is made of, on runs for which both are known."""

import pytest

from analysis import bottleneck
from analysis.findings import wording

BASE, OURS = "as-measured", "tuned"


def used(run):
    return {of.resource: of for of in bottleneck.use(run)}


def one(made, recorded):
    (run,) = made.experiment(recorded).runs
    return run


def test_one_worker_that_always_has_somebody_is_the_limit(made):
    """Fifty users at one worker: it is busy from the first send to the last answer, and all others wait for it."""
    recorded = made.run()
    recorded.record["environment"] = recorded.record["environment"] | {"cpu_count": 2}
    run = one(made, recorded)
    worker = used(run)["worker"]
    waited_ms = sum(row["queue_us"] for row in made.run().rows) / 1000
    assert worker.utilisation == pytest.approx(1.0, rel=0.001)
    assert worker.waiting == pytest.approx(waited_ms / 9250, rel=0.001)
    assert worker.errors == 0
    limit = bottleneck.limit(run)
    assert limit.resource == "worker"
    assert "100.0% in use" in limit.sentence
    assert f"{worker.waiting:.1f} requests waiting" in limit.sentence


def test_what_is_exhausted_inside_limits_what_is_around_it(made):
    """The same worker, but the machine has a single core and the system took nearly all of it."""
    recorded = made.run()
    for row in recorded.process:
        if row["role"] == "database":
            row["cpu_us"] = round(row["cpu_us"] * 1.5)
    run = one(made, recorded)
    assert used(run)["CPU"].utilisation > bottleneck.BUSY
    limit = bottleneck.limit(run)
    assert limit.resource == "CPU"
    assert "while of the CPU" not in limit.sentence


def test_a_database_whose_sessions_wait_for_each_other_is_the_limit_of_those_who_wait_for_a_connection(made):
    """All connections are used all the time, the sessions behind them wait for a lock, and hardly anybody computes."""
    recorded = made.run()
    for row in recorded.process:
        row["cpu_us"] //= 100
    for n, row in enumerate(recorded.pool):
        row |= {"use_ns": n * 50 * 3_000_000_000, "wait_ns": n * 10_000_000_000, "limit": 50}
    blind = one(made, recorded)
    assert bottleneck.limit(blind).resource == "pool"
    for row in [row for row in recorded.database if row["source"] == "activity"]:
        row |= {"name": "active", "metric": "Lock:tuple", "value": 20.0}
    limit = bottleneck.limit(made.experiment(recorded, name="locked").runs[0])
    assert limit.resource == "database"
    assert "20.0 requests waiting for it" in limit.sentence


def test_a_load_generator_at_its_limit_is_named_before_the_system(made):
    recorded = made.run()
    for gate in recorded.record["gates"]:
        if gate["name"] == "generator CPU, share of one core":
            gate["value"] = 0.93
    limit = bottleneck.limit(one(made, recorded))
    assert limit.resource == "load generator"
    assert "93% of a core" in limit.sentence


def test_where_nothing_is_at_its_limit_the_busiest_is_told(made):
    recorded = made.run(OURS, "sustained-100")
    for row in recorded.process:
        row["cpu_us"] = row["cpu_us"] // 10
    for row in recorded.rows:
        row |= {"app_us": row["app_us"] // 10, "queue_us": 0}
    limit = bottleneck.limit(one(made, recorded))
    assert limit.resource is None
    assert limit.sentence.startswith("nothing reached its limit (85.0% in use, and waited for); the busiest was ")


def test_the_pool_is_used_for_as_long_as_its_connections_are_held(made):
    """Each use holds one of fifty connections for 4 ms, and waits 1 ms for it."""
    pool = used(one(made, made.run()))["pool"]
    assert pool.utilisation == pytest.approx(150 * 0.004 / 50 / 9.25, rel=0.05)
    assert pool.waiting == pytest.approx(150 * 0.001 / 9.25, rel=0.05)
    assert "50 connections" in pool.of


def test_sessions_that_wait_for_a_lock_wait_for_the_database(made):
    recorded = made.run()
    instants_us = {row["at_us"] for row in recorded.database if row["source"] == "activity"}
    for at_us in instants_us:
        for wait, sessions in (("Lock:tuple", 3.0), ("Client:ClientRead", 5.0), ("none", 1.0)):
            row = {"at_us": at_us, "source": "activity", "name": "active", "metric": wait, "value": sessions}
            recorded.database.append(row)
    run = one(made, recorded)
    assert used(run)["database"].waiting == pytest.approx(3.0)
    waits = bottleneck.waits(run).set_index("wait")["sessions"]
    assert waits.to_dict() == {"Client:ClientRead": 5, "Lock:tuple": 3, "CPU or nothing": 1}


def test_the_time_in_which_something_waited_for_a_core_is_the_kernels(made):
    recorded = made.run()
    instants_us = sorted({row["at_us"] for row in recorded.process})
    for at_us in instants_us:
        recorded.process.append({"at_us": at_us, "role": "machine", "stalled_us": 500 + at_us // 4})
    run = one(made, recorded)
    assert used(run)["CPU"].waiting == pytest.approx(0.25, rel=0.01)
    assert used(one(made_again(made), made.run()))["CPU"].waiting is None


def made_again(made):
    return type(made)(made.runs / "again")


def test_without_readings_nothing_is_guessed(made):
    recorded = made.run()
    recorded.process = recorded.pool = recorded.database = None
    found = used(one(made, recorded))
    assert found["CPU"].utilisation is None
    assert found["pool"].utilisation is None
    assert found["database"].waiting is None
    assert found["worker"].utilisation == pytest.approx(1.0, rel=0.001)


def test_the_growth_of_the_tail_is_what_each_part_has_of_it(made):
    """From 25 to 50 users at one worker only the waiting for it grows."""
    experiment = made.experiment(made.run(BASE, "burst-25"), made.run(BASE, "burst-50"))
    grown = bottleneck.growth(experiment, BASE, "burst-25", "burst-50")
    longer_ms = (grown["more_ms"] - grown["fewer_ms"]).to_list()
    assert min(longer_ms) > 0
    assert grown["queue"].to_list() == pytest.approx(longer_ms)
    assert grown[list(bottleneck.SPLIT)].sum(axis=1).to_list() == pytest.approx(longer_ms)
    told = wording.of_growth(BASE, "burst-25", "burst-50", grown)
    assert told == (
        "Of the growth of the tail of latency on as-measured from burst-25 to burst-50: waiting for a worker 100%; "
        "from 6 and 12 requests, no interval."
    )


def test_growth_that_was_not_measured_is_said_to_be_so(made):
    experiment = made.experiment(made.run(BASE, "burst-50"))
    grown = bottleneck.growth(experiment, BASE, "burst-25", "burst-50")
    assert grown.empty
    assert "was not measured" in wording.of_growth(BASE, "burst-25", "burst-50", grown)


def test_the_statements_that_took_most_come_first(made):
    recorded = made.run()
    for name, calls, total_ms in (("SELECT slow", 10, 900.0), ("SELECT fast", 1000, 98.5)):
        for metric, value in (("calls", calls), ("total_ms", total_ms)):
            recorded.database.append(
                {"at_us": 9_000_000, "source": "statement", "name": name, "metric": metric, "value": float(value)}
            )
    table = bottleneck.statements(one(made, recorded), most=2)
    assert table["statement"].to_list() == ["SELECT slow", "SELECT fast"]
    assert table["mean_ms"].to_list() == pytest.approx([90, 0.0985])
    assert table["share"].iloc[0] == pytest.approx(900 / (900 + 98.5 + 0.01 * 150))
