"""The ladder of limits: throughput and users at saturation, from demands that are known."""

import pytest

from analysis.queueing.calibration import calibrate
from analysis.saturation_ladder import THINK_MS, limits, mean_latency_ms
from workbench.arms import ADVISED, BASELINE, TUNED
from workbench.endpoints import READ_SHARES


@pytest.fixture
def ladder(builder):
    """The limits of a deployment by the name of the resource, from single requests unless named otherwise."""

    def ladder(deployment, scenario="single", change=lambda run: None):
        run = builder.run(deployment, scenario)
        change(run)
        experiment = builder.experiment(run)
        found = limits(experiment, deployment)
        return experiment, {limit.resource: limit for limit in found}, [limit.resource for limit in found]

    return ladder


def test_a_worker_saturates_at_the_inverse_of_the_time_that_a_request_holds_it(ladder):
    """Logins take 100 ms, dashboards 80, searches 5, and the generator has 0.75 ms of work before and after each."""
    held_ms = 0.05 * 100 + 0.45 * 80 + 0.5 * 5
    _, found, _ = ladder(BASELINE)
    worker = found["worker"]
    assert worker.throughput_rps == pytest.approx(1000 / held_ms, rel=0.25)
    demand_ms = 1000 / worker.throughput_rps
    cpu_ms = 1000 / found["CPU cores"].throughput_rps
    # The worker computes on the cores: its demand is not added to theirs.
    assert worker.users == pytest.approx((THINK_MS + cpu_ms) / demand_ms)


def test_users_at_saturation_follow_from_the_demands(ladder):
    experiment, found, order = ladder(TUNED)
    demands = calibrate(experiment.runs[0])
    cpu_ms = demands.cpu_ms(READ_SHARES)
    hash_ms = demands.mean_ms(lambda demand: demand.hash_ms, READ_SHARES)
    assert found["CPU cores"].throughput_rps == pytest.approx(1000 / cpu_ms)
    assert found["CPU cores"].users == pytest.approx((THINK_MS + cpu_ms + hash_ms) / cpu_ms)
    assert found["hash slots"].throughput_rps == pytest.approx(2 * 1000 / hash_ms)
    assert order == ["CPU cores", "hash slots"]
    assert "worker" not in found


def test_twice_the_cores_lift_the_limit_of_the_cores_alone(ladder, builder):
    _, one, _ = ladder(TUNED)

    run = builder.run(TUNED, "single")
    run.record["environment"] = run.record["environment"] | {"cpu_count": 2}
    other = {limit.resource: limit for limit in limits(builder.experiment(run, name="two"), TUNED)}
    assert other["CPU cores"].throughput_rps == pytest.approx(2 * one["CPU cores"].throughput_rps)
    assert other["hash slots"].throughput_rps == pytest.approx(one["hash slots"].throughput_rps)


def test_the_busiest_loop_of_gevent_workers_is_a_limit(ladder):
    def one_loop(run):
        for row in run.rows:
            row["worker"] = 0

    _, found, order = ladder(ADVISED, "sustained-100", one_loop)
    assert set(order) == {"CPU cores", "busiest event loop"}
    assert found["busiest event loop"].users > 0


@pytest.mark.parametrize("deployment", [BASELINE, TUNED])
def test_the_limits_come_in_the_order_of_users(ladder, deployment):
    users = [limit.users for limit in ladder(deployment)[1].values()]
    assert len(users) == 2
    assert users == sorted(users)


def test_users_with_think_time_are_preferred_to_single_requests(builder):
    runs = [builder.run(TUNED, scenario) for scenario in ("single", "sustained-100", "sustained-20")]
    experiment = builder.experiment(*runs)
    assert {limit.run.scenario for limit in limits(experiment, TUNED)} == {"sustained-20"}


def test_latency_of_one_user_is_the_demand_and_grows_beyond_the_limit(builder):
    experiment = builder.experiment(builder.run(BASELINE, "single"))
    first = limits(experiment, BASELINE)[0]
    demand_ms = 1000 / first.throughput_rps
    assert mean_latency_ms(experiment, BASELINE, 1) == pytest.approx(demand_ms)
    latencies = [mean_latency_ms(experiment, BASELINE, users) for users in (1, 10, 100, 1000)]
    assert latencies == sorted(latencies)
    # Far beyond the limit each further user adds the demand: R = N·D − Z.
    assert latencies[-1] == pytest.approx(1000 * demand_ms - THINK_MS, rel=1e-3)


@pytest.mark.parametrize("runs", [(), ((BASELINE, "burst-50"),), ((TUNED, "single"),)])
def test_without_demands_there_is_no_limit_and_no_prediction(builder, runs):
    experiment = builder.experiment(*(builder.run(*arm) for arm in runs))
    assert limits(experiment, BASELINE) == []
    assert mean_latency_ms(experiment, BASELINE, 10) is None
