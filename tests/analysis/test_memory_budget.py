"""Costs of memory are what the readings were made of, and a budget is their sum."""

import pytest

from analysis.capacity import memory_budget
from analysis.capacity.memory_budget import MemoryCosts, calibrate, connections_of, hashes_in_flight
from loadgen import deployments
from tests.memory_readings import CONNECTION, GROWTH, KERNEL, MASTER, MIB, SCRYPT_BYTES, WORKER, with_memory


def made(builder, deployment="as-advised", **memory):
    return builder.experiment(with_memory(builder.run(deployment), **memory)).runs[0]


def test_calibrate_finds_the_cost_of_each_part(builder):
    costs = calibrate(made(builder))
    assert costs.base == "1-01-as-advised-burst-50"
    assert costs.master == MASTER + KERNEL
    assert costs.worker == WORKER + KERNEL
    assert costs.growth == pytest.approx(GROWTH)
    assert costs.connection == pytest.approx(CONNECTION)


def test_calibrate_with_one_worker_leaves_the_connection_in_the_growth(builder):
    costs = calibrate(made(builder, "as-measured"))
    assert (costs.growth, costs.connection) == (pytest.approx(GROWTH + CONNECTION), 0.0)


def test_calibrate_from_a_run_with_an_ended_process_has_no_costs(builder):
    assert calibrate(made(builder, limit_mib=512, kills=1)) is None


def test_calibrate_without_readings_has_no_costs(builder):
    assert calibrate(builder.experiment(builder.run("as-advised")).runs[0]) is None


def test_what_processes_share_counts_once(builder):
    run = with_memory(builder.run("as-measured"))
    processes = [row for row in run.memory if row["process"] != "group"]
    for row in processes:
        row["anonymous_bytes"] += 9 * MIB  # of 18 MiB that the master and its worker have in common
    for row in run.memory:
        if row["process"] == "group":
            row["anonymous_bytes"], row["usage_bytes"] = (
                row["anonymous_bytes"] + 18 * MIB,
                row["usage_bytes"] + 18 * MIB,
            )
    costs = calibrate(builder.experiment(run).runs[0])
    assert costs.master == MASTER + KERNEL + 18 * MIB
    assert costs.worker == WORKER + KERNEL


COSTS = MemoryCosts("base", 40.0, 9.0, 1.0, 0.5)


def test_peak_is_the_sum_of_its_parts():
    assert COSTS.peak_bytes(workers=2, hashes=3, hash_bytes=10, connections=8) == 40 + 2 * (10 + 30) + 4


def test_workers_that_fit_have_a_peak_below_the_limit_and_one_more_has_not():
    workers = COSTS.workers_in(500, hashes=1, hash_bytes=10, connections=4)
    assert COSTS.peak_bytes(workers, 1, 10, 4 * workers) <= 500 < COSTS.peak_bytes(workers + 1, 1, 10, 4 * workers + 4)
    assert COSTS.workers_in(10, 1, 10, 4) == 0


@pytest.mark.parametrize(
    ("deployment", "hashes", "connections"),
    [("as-measured", 1, 1), ("as-advised", 1, 90), ("tuned", 1, 3), ("tuned-without-hash-limit", 64, 3)],
)
def test_what_a_worker_has_in_flight_follows_from_its_settings(deployment, hashes, connections):
    settings = deployments.settings_for(deployment).with_profile()
    values = {name: getattr(settings, name) for name in settings.public() if hasattr(settings, name)}
    assert (hashes_in_flight(values), connections_of(values)) == (hashes, connections)


def test_mean_costs_of_none_are_none():
    assert memory_budget.mean_costs([]) is None
    assert memory_budget.mean_costs([COSTS, MemoryCosts("other", 60.0, 9.0, 1.0, 0.5)]).master == 50.0


def test_scrypt_takes_what_its_parameters_say():
    """RFC 7914: N blocks of 128 · r bytes."""
    assert SCRYPT_BYTES == 128 * 8 * 2**15 == 32 * MIB
