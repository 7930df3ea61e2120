"""The use of the resources of a run, on runs for which it is known."""

import pytest

from analysis.metrics.resource_use import resource_use


def use_by_name(builder, recorded, name="made"):
    """The use of each resource by its name, of an experiment of this run alone."""
    (run,) = builder.experiment(recorded, name=name).runs
    return {use.resource: use for use in resource_use(run)}


def test_use_of_the_pool_is_the_time_that_its_connections_are_held(builder):
    """Each use holds one of fifty connections for 4 ms, and waits 1 ms for it."""
    pool = use_by_name(builder, builder.run())["pool"]
    assert pool.utilisation == pytest.approx(150 * 0.004 / 50 / 9.25, rel=0.05)
    assert pool.waiting == pytest.approx(150 * 0.001 / 9.25, rel=0.05)
    assert "50 connections" in pool.capacity


def test_waiting_for_the_cpu_is_the_kernels_stalled_time(builder):
    recorded = builder.run()
    instants_us = sorted({row["at_us"] for row in recorded.process})
    for at_us in instants_us:
        recorded.process.append({"at_us": at_us, "role": "machine", "stalled_us": 500 + at_us // 4})
    assert use_by_name(builder, recorded)["CPU"].waiting == pytest.approx(0.25, rel=0.01)
    assert use_by_name(builder, builder.run(), name="without-stalls")["CPU"].waiting is None


@pytest.mark.parametrize("requests_of_busiest", [75, 150])
def test_use_of_event_loops_is_that_of_the_busiest(builder, requests_of_busiest):
    recorded = builder.run("as-advised")
    for position, row in enumerate(recorded.rows):
        row["worker"] = int(position >= requests_of_busiest)
    use = use_by_name(builder, recorded)
    of_all = use["CPU"].utilisation  # of one core; the workers are most of it
    assert use["worker"].utilisation == pytest.approx(min(1.0, of_all) * requests_of_busiest / 150, rel=0.15)
    assert use["worker"].capacity == "the event loop of the busiest of 8 workers, at most a core"


def test_use_without_readings_is_none(builder):
    recorded = builder.run()
    recorded.process = recorded.pool = recorded.database = None
    use = use_by_name(builder, recorded)
    assert use["CPU"].utilisation is None
    assert use["pool"].utilisation is None
    assert use["database"].waiting is None
    assert use["worker"].utilisation == pytest.approx(1.0, rel=0.001)


def test_one_instant_of_several_workers_is_no_time_in_which_a_pool_was_used(builder):
    run = builder.run("tuned", "burst-50")
    run.pool = [{**run.pool[0], "worker": worker} for worker in (0, 1)]
    pool = use_by_name(builder, run)["pool"]
    assert pool.utilisation is None
