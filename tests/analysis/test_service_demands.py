"""What requests need, from runs of which it is known; and what it foretells of a burst."""

import pytest

from analysis.queueing import burst_simulation as alone
from analysis.queueing import service_demands
from analysis.queueing.service_demands import Holding

BASE, OURS = "as-measured", "tuned"


def spending(run, role, ms):
    """The run with this CPU time of a role, from before its load to after it."""
    readings = [reading for reading in run.process if reading["role"] == role]
    for place, reading in enumerate(readings):
        reading["cpu_us"] = round(1000 * ms * place / (len(readings) - 1))
    return run


def told_ms(run):
    """What the requests of a run told that they computed."""
    return sum(row["app_us"] - row["pool_us"] - row["db_us"] for row in run.rows) / 1000


def known(made, deployment=BASE, scenario="single", *, server=0.0, database=0.0, sending=0.0):
    """A run in which each request takes the workers so many ms of CPU beyond what it told, and PostgreSQL and the
    generator so many, on the average."""
    run = made.run(deployment, scenario)
    number = len(run.rows)
    run.record["generator"]["cpu_ms"] = sending * number
    return spending(spending(run, "server", told_ms(run) + server * number), "database", database * number)


def only(endpoint):
    (held,) = set(endpoint.others)
    return held


def test_what_a_request_told_is_what_it_needs(made):
    held = only(service_demands.of(made.experiment(known(made)).runs[0]).endpoints["login"])
    assert held.computing_ms == pytest.approx(100 * (1 - 0.01 - 0.5 - 0.2))
    assert held.hash_ms == pytest.approx(20)
    assert (held.database_ms, held.away_ms) == (0, pytest.approx(51))
    assert (held.sending_ms, held.delay_ms, held.after_ms, held.round_trips) == (0, 0, 0, 4)


def test_of_the_time_with_postgresql_it_computes_what_the_kernel_counted(made):
    mean_ms = 0.51 * sum((100, 80, 5)) / 3
    run = known(made, database=mean_ms / 4)
    # What warms up takes three times as long, and as much of it is in the database.
    asked_ms = sum(row["db_us"] + row["pool_us"] for row in run.rows) / 1000
    held = only(service_demands.of(made.experiment(run).runs[0]).endpoints["login"])
    share = mean_ms / 4 * len(run.rows) / asked_ms
    assert held.database_ms == pytest.approx(51 * share)
    assert held.database_ms + held.away_ms == pytest.approx(51)


def test_what_workers_computed_beyond_is_first_of_those_who_ask_the_database(made):
    run = known(made, OURS, "sustained-20")
    for row in run.of("search"):
        row |= {"db_us": 0, "pool_us": 0}
    asked_ms = sum(row["pool_us"] + row["db_us"] for row in run.rows) / 1000
    before = service_demands.of(made.experiment(spending(run, "server", told_ms(run)), name="before").runs[0]).endpoints
    spending(run, "server", told_ms(run) + 0.5 * asked_ms)
    after = service_demands.of(made.experiment(run, name="after").runs[0]).endpoints
    one, other = only(before["login"]), only(after["login"])
    assert (one.asking_ms, other.asking_ms) == (pytest.approx(0, abs=0.01), pytest.approx(one.away_ms / 2, rel=0.01))
    assert other.computing_ms == pytest.approx(one.computing_ms)
    assert other.away_ms == pytest.approx(one.away_ms / 2, rel=0.01)
    assert after["search"].mean_ms(Holding.cpu_ms) == pytest.approx(before["search"].mean_ms(Holding.cpu_ms))


def test_a_request_that_waited_for_a_core_did_not_compute_all_the_time(made):
    run = known(made, OURS, "sustained-20", database=0.01)
    alone = service_demands.of(made.experiment(run, name="alone").runs[0])
    for row in run.rows:
        for name in (name for name in row if name.endswith("_us") and name not in ("start_us", "scheduled_us")):
            row[name] = row[name] and 2 * row[name]
    for reading in run.process:
        reading["at_us"] += 2_000_000 * (reading["at_us"] > run.rows[-1]["start_us"])
    together = service_demands.of(made.experiment(run, name="together").runs[0])
    for name, endpoint in alone.endpoints.items():
        (one,), (other,) = (
            set(endpoint.answered or endpoint.others),
            set(together.endpoints[name].answered or together.endpoints[name].others),
        )
        assert (other.computing_ms, other.hash_ms, other.database_ms, other.away_ms) == pytest.approx(
            (one.computing_ms, one.hash_ms, one.database_ms, one.away_ms), rel=0.02
        )


def test_what_reading_the_activity_took_of_postgresql_is_no_part_of_the_requests(made):
    run = known(made, database=2.0)
    whole = service_demands.of(made.experiment(run, name="whole").runs[0])
    run.record["readings"] = {"database_cpu_ms": 1.0 * len(run.rows)}
    less = service_demands.of(made.experiment(run, name="less").runs[0])
    for name, endpoint in whole.endpoints.items():
        assert only(less.endpoints[name]).database_ms == pytest.approx(only(endpoint).database_ms / 2, rel=0.01)


def test_a_query_that_takes_more_than_a_core_is_done_by_several_processes(made):
    run = known(made)
    run.record["environment"] = run.record["environment"] | {"cpu_count": 2}
    asked_ms = sum(row["db_us"] + row["pool_us"] for row in run.rows) / 1000
    held = only(
        service_demands.of(made.experiment(spending(run, "database", 1.5 * asked_ms)).runs[0]).endpoints["login"]
    )
    assert (held.database_processes, held.database_ms, held.away_ms) == (
        2,
        pytest.approx(1.5 * 51),
        pytest.approx(51 / 4),
    )


def test_what_workers_and_generator_computed_beyond_is_outside_of_the_application_or_after_the_answer(made):
    run = known(made, OURS, sending=0.5)
    asked_ms = sum(row["pool_us"] + row["db_us"] for row in run.rows) / 1000
    spending(run, "server", told_ms(run) + asked_ms + 1.5 * len(run.rows))
    nowhere = only(service_demands.of(made.experiment(run, name="nowhere").runs[0]).endpoints["login"])
    after = (nowhere.sending_ms, nowhere.receiving_ms, nowhere.after_ms, nowhere.delay_ms)
    assert after == pytest.approx((0.25, 0.25, 1.5, 0.0), abs=0.01)
    for row in run.rows:
        row["latency_us"] += 3000
    for reading in run.process:
        reading["at_us"] += 3000 * (reading["at_us"] > run.rows[-1]["start_us"])
    before = only(service_demands.of(made.experiment(run, name="before").runs[0]).endpoints["login"])
    assert (before.sending_ms, before.after_ms, before.delay_ms) == pytest.approx((0.5, 0.0, 1.0), abs=0.01)
    assert before.computing_ms == pytest.approx(nowhere.computing_ms + 1.5, abs=0.01)


def test_what_came_before_the_measured_phase_is_no_part_of_it(made, monkeypatch):
    monkeypatch.setattr(service_demands, "SHORTEST_US", 2_000_000)
    run = known(made, server=60.0)
    first = service_demands.of(made.experiment(run, name="first").runs[0])
    warm_up = [row for row in run.rows if row["phase"] == "warmup"]
    for row in warm_up:
        row["hash_us"] += 500_000  # as of many who wait for their turn
    assert warm_up
    assert service_demands.of(made.experiment(run, name="again").runs[0]) == first
    monkeypatch.setattr(service_demands, "SHORTEST_US", 60_000_000)
    assert service_demands.of(made.experiment(run, name="whole").runs[0]) != first


def test_what_the_cache_answered_is_kept_apart_and_drawn_as_often_as_is_asked_for(made):
    run = known(made, OURS, "sustained-20")
    searches = run.of("search")
    for row in searches[: len(searches) // 2]:
        row |= {"cache": "miss", "app_us": row["app_us"] + 7000, "latency_us": row["latency_us"] + 7000}
    found = service_demands.of(made.experiment(spending(run, "server", told_ms(run))).runs[0])
    search = found.endpoints["search"]
    assert (len(search.answered) > 0, len(search.others) > 0) == (True, True)
    assert search.hit_ratio == pytest.approx(len(search.answered) / (len(search.answered) + len(search.others)))
    alone_ms, missed_ms = (found.with_hits({"search": ratio}).cpu_ms({"search": 1.0}) for ratio in (1.0, 0.0))
    assert missed_ms - alone_ms == pytest.approx(7)
    assert found.with_hits({"search": 0.25}).cpu_ms({"search": 1.0}) == pytest.approx(alone_ms + 0.75 * 7)
    with pytest.raises(ValueError, match=r"no measured dashboard shows what it takes at a hit ratio of 0\.0%"):
        found.with_hits({"dashboard": 0.0})
    with pytest.raises(ValueError, match="no measured scan"):
        found.with_hits({"scan": 0.5})


def test_dearer_hashes_and_a_longer_way_change_nothing_else(made):
    found = service_demands.of(made.experiment(known(made)).runs[0])
    dearer, further = found.with_hash(4.0), found.with_round_trip(5.0)
    assert found.hash_ms() == pytest.approx(0.2 * sum((100, 80, 5)) / 3, rel=0.01)
    assert dearer.hash_ms() == pytest.approx(4 * found.hash_ms())
    here, there = only(found.endpoints["login"]), only(further.endpoints["login"])
    assert there.away_ms == pytest.approx(here.away_ms + 5 * here.round_trips)
    assert only(further.with_round_trip(-5.0).endpoints["login"]).away_ms == pytest.approx(here.away_ms)
    assert further.cpu_ms({"login": 1.0}) == found.cpu_ms({"login": 1.0})


def test_without_the_workers_cpu_time_or_the_parts_nothing_is_known(made):
    unread, silent = made.run(), made.run()
    unread.process = None
    for row in silent.rows:
        row["app_us"] = None
    assert service_demands.of(made.experiment(unread, name="unread").runs[0]) is None
    assert service_demands.of(made.experiment(silent, name="silent").runs[0]) is None


def test_a_burst_is_predicted_from_single_requests_and_set_beside_the_measured_one(made):
    experiment = made.experiment(known(made), known(made, scenario="burst-50"))
    table = alone.predicted(experiment, BASE, 50).set_index("figure")
    assert table["predicted"].to_list() == pytest.approx(table["measured"].to_list())
    assert table.loc["duration", "predicted"] == pytest.approx(9.25)


def test_without_single_requests_of_each_endpoint_no_burst_is_predicted(made):
    assert alone.predicted(made.experiment(made.run()), BASE, 50).empty
    unread = made.run(scenario="single")
    unread.process = None
    assert alone.predicted(made.experiment(unread, name="unread"), BASE, 50).empty
