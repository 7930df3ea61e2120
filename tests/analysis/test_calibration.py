"""Service demands from runs whose demands are known."""

import pytest

from analysis.queueing import calibration
from analysis.queueing.calibration import calibrate
from analysis.queueing.service_demands import ServiceDemand
from tests.calibrated_runs import known_run, only_demand, reported_python_ms, spend_cpu


def first_demands(builder, run, name="made"):
    return calibrate(builder.experiment(run, name=name).runs[0])


def test_calibrate_of_a_request_takes_what_it_reported(builder):
    demand = only_demand(first_demands(builder, known_run(builder)).endpoints["login"])
    assert demand.python_ms == pytest.approx(100 * (1 - 0.01 - 0.5 - 0.2))
    assert demand.hash_ms == pytest.approx(20)
    assert (demand.database_ms, demand.database_wait_ms) == (0, pytest.approx(51))
    assert (demand.send_ms, demand.delay_ms, demand.after_ms, demand.round_trips) == (0, 0, 0, 4)


def test_calibrate_splits_the_time_with_a_connection_by_postgresql_cpu_time(builder):
    mean_ms = 0.51 * sum((100, 80, 5)) / 3
    run = known_run(builder, database_ms=mean_ms / 4)
    # Requests of the warm-up take three times as long, and as much of it is in the database.
    connection_ms = sum(row["db_us"] + row["pool_us"] for row in run.rows) / 1000
    demand = only_demand(first_demands(builder, run).endpoints["login"])
    share = mean_ms / 4 * len(run.rows) / connection_ms
    assert demand.database_ms == pytest.approx(51 * share)
    assert demand.database_ms + demand.database_wait_ms == pytest.approx(51)


def test_calibrate_gives_unreported_worker_cpu_time_to_requests_with_a_connection_first(builder):
    run = known_run(builder, "tuned", "sustained-20")
    for row in run.rows_of("search"):
        row |= {"db_us": 0, "pool_us": 0}
    connection_ms = sum(row["pool_us"] + row["db_us"] for row in run.rows) / 1000
    before = first_demands(builder, spend_cpu(run, "server", reported_python_ms(run)), "before").endpoints
    spend_cpu(run, "server", reported_python_ms(run) + 0.5 * connection_ms)
    after = first_demands(builder, run, "after").endpoints
    login, login_after = only_demand(before["login"]), only_demand(after["login"])
    assert login.database_client_ms == pytest.approx(0, abs=0.01)
    assert login_after.database_client_ms == pytest.approx(login.database_wait_ms / 2, rel=0.01)
    assert login_after.python_ms == pytest.approx(login.python_ms)
    assert login_after.database_wait_ms == pytest.approx(login.database_wait_ms / 2, rel=0.01)
    searches = (endpoints["search"].mean_ms(ServiceDemand.cpu_ms) for endpoints in (after, before))
    assert next(searches) == pytest.approx(next(searches))


def test_calibrate_of_requests_that_waited_for_a_core_takes_the_computed_share(builder):
    run = known_run(builder, "tuned", "sustained-20", database_ms=0.01)
    unloaded = first_demands(builder, run, "unloaded")
    for row in run.rows:
        for name in (name for name in row if name.endswith("_us") and name not in ("start_us", "scheduled_us")):
            row[name] = row[name] and 2 * row[name]
    for reading in run.process:
        reading["at_us"] += 2_000_000 * (reading["at_us"] > run.rows[-1]["start_us"])
    loaded = first_demands(builder, run, "loaded")
    for name, endpoint in unloaded.endpoints.items():
        (demand,), (demand_loaded,) = (
            set(endpoint.hits or endpoint.misses),
            set(loaded.endpoints[name].hits or loaded.endpoints[name].misses),
        )
        assert (
            demand_loaded.python_ms,
            demand_loaded.hash_ms,
            demand_loaded.database_ms,
            demand_loaded.database_wait_ms,
        ) == pytest.approx((demand.python_ms, demand.hash_ms, demand.database_ms, demand.database_wait_ms), rel=0.02)


def test_calibrate_leaves_out_postgresql_cpu_time_of_the_workbench_readings(builder):
    run = known_run(builder, database_ms=2.0)
    whole = first_demands(builder, run, "whole")
    run.record["readings"] = {"database_cpu_ms": 1.0 * len(run.rows)}
    less = first_demands(builder, run, "less")
    for name, endpoint in whole.endpoints.items():
        assert only_demand(less.endpoints[name]).database_ms == pytest.approx(
            only_demand(endpoint).database_ms / 2, rel=0.01
        )


def test_calibrate_of_a_query_with_more_than_a_core_uses_several_processes(builder):
    run = known_run(builder)
    run.record["environment"] = run.record["environment"] | {"cpu_count": 2}
    connection_ms = sum(row["db_us"] + row["pool_us"] for row in run.rows) / 1000
    demand = only_demand(first_demands(builder, spend_cpu(run, "database", 1.5 * connection_ms)).endpoints["login"])
    assert (demand.database_processes, demand.database_ms, demand.database_wait_ms) == (
        2,
        pytest.approx(1.5 * 51),
        pytest.approx(51 / 4),
    )


def test_calibrate_puts_overhead_outside_of_the_application_and_what_does_not_fit_after_the_response(builder):
    run = known_run(builder, "tuned", generator_ms=0.5)
    connection_ms = sum(row["pool_us"] + row["db_us"] for row in run.rows) / 1000
    spend_cpu(run, "server", reported_python_ms(run) + connection_ms + 1.5 * len(run.rows))
    no_room = only_demand(first_demands(builder, run, "no-room").endpoints["login"])
    overhead = (no_room.send_ms, no_room.receive_ms, no_room.after_ms, no_room.delay_ms)
    assert overhead == pytest.approx((0.25, 0.25, 1.5, 0.0), abs=0.01)
    for row in run.rows:
        row["latency_us"] += 3000
    for reading in run.process:
        reading["at_us"] += 3000 * (reading["at_us"] > run.rows[-1]["start_us"])
    room = only_demand(first_demands(builder, run, "room").endpoints["login"])
    assert (room.send_ms, room.after_ms, room.delay_ms) == pytest.approx((0.5, 0.0, 1.0), abs=0.01)
    assert room.python_ms == pytest.approx(no_room.python_ms + 1.5, abs=0.01)


def test_calibrate_takes_the_measured_phase_where_it_is_long_enough(builder, monkeypatch):
    monkeypatch.setattr(calibration, "MIN_WINDOW_US", 2_000_000)
    run = known_run(builder, server_ms=60.0)
    first = first_demands(builder, run, "first")
    warm_up = [row for row in run.rows if row["phase"] == "warmup"]
    for row in warm_up:
        row["hash_us"] += 500_000  # as where many requests wait for a hash slot
    assert warm_up
    assert first_demands(builder, run, "slow-warm-up") == first
    monkeypatch.setattr(calibration, "MIN_WINDOW_US", 60_000_000)
    assert first_demands(builder, run, "whole") != first


def test_calibrate_without_the_workers_cpu_time_or_the_parts_gives_nothing(builder):
    unread, silent = builder.run(), builder.run()
    unread.process = None
    for row in silent.rows:
        row["app_us"] = None
    assert first_demands(builder, unread, "unread") is None
    assert first_demands(builder, silent, "silent") is None
