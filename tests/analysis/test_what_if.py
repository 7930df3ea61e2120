"""What is foretold of loads and of other deployments, from a run of which it is known what its requests need."""

import pytest

from analysis.capacity.bracket import HIGHEST_P95_MS
from analysis.queueing.what_if import FORESEEN, Model, Unforeseen, hit_ratio

BASE, OURS = "as-measured", "tuned"


def recorded(made, deployment=BASE, scenario="sustained-20", server_ms=0.0):
    """A run of one user after the other; workers spend `server_ms` on each request beyond what it told."""
    run = made.run(deployment, scenario)
    run.record["generator"]["cpu_ms"] = 0.0
    return spent(run, server_ms)


def spent(run, server_ms=0.0):
    told_ms = sum(row["app_us"] - row["pool_us"] - row["db_us"] for row in run.rows) / 1000
    readings = [reading for reading in run.process if reading["role"] == "server"]
    for place, reading in enumerate(readings):
        spent_ms = (told_ms + server_ms * len(run.rows)) * place / (len(readings) - 1)
        reading["cpu_us"] = round(1000 * spent_ms)
    return run


def model(made, deployment=BASE, scenario="sustained-20", name="made", given=None, **changes):
    run = made.experiment(recorded(made, deployment, scenario), name=name).runs[0]
    return Model.of(run, {**run.record["deployment"]["settings"], **changes}, **(given or {}))


def test_under_a_small_load_what_was_measured_is_foretold(made):
    foretold = model(made).at("sustained", 1)
    assert foretold.p95_ms == pytest.approx({"login": 100, "dashboard": 80, "search": 5}, rel=0.01)
    assert foretold.throughput_rps == pytest.approx(1 / 2.04, rel=0.1)
    assert foretold.slowest_ms == max(foretold.p95_ms.values())


def test_the_capacity_is_where_p95_reaches_the_bound(made):
    found = model(made)
    for family, highest in (("open", 20_000), ("sustained", 5_000)):
        holds = found.capacity(family, highest)
        assert found.at(family, 0.7 * holds).slowest_ms < HIGHEST_P95_MS < found.at(family, 1.4 * holds).slowest_ms
    # 5, 45 and 50 of a hundred requests hold the one worker for 100, 80 and 5 ms; more than 23 a second have no end.
    assert 0.4 < found.capacity("open", 20_000) / (1000 / 43.5) < 1.0


def test_what_holds_the_most_that_may_be_holds_no_more(made):
    assert model(made).capacity("open", 3) == 3


def test_more_workers_hold_more_and_slower_ways_less(made):
    # A machine of one core: what workers have more of is waiting for PostgreSQL.
    names = ("here", "two", "far")
    changes = ({}, {"workers": 2}, {"round_trip_ms": 40.0})
    here, two, far = (model(made, name=name, **change) for name, change in zip(names, changes, strict=True))
    assert far.capacity("open", 500) < here.capacity("open", 500) < two.capacity("open", 500)


def test_a_hash_that_takes_longer_makes_a_login_slower_by_that(made):
    own_ms = model(made, name="own").demands.hash_ms()
    slower = model(made, name="slower", given={"hash_ms": 3 * own_ms})
    assert slower.at("sustained", 1).p95_ms["login"] == pytest.approx(100 + 2 * 20, rel=0.01)


def cached(made, **how):
    """Ours, half of whose searches were missed by the cache, each 40 ms longer."""
    run = recorded(made, OURS)
    for row in run.of("search")[::2]:
        row |= {"cache": "miss", "app_us": row["app_us"] + 40_000, "latency_us": row["latency_us"] + 40_000}
    for row in run.of("dashboard")[::2]:
        row["cache"] = "miss"
    for reading in run.process:
        reading["at_us"] += 40_000 * (reading["at_us"] > run.rows[-1]["start_us"])
    run.record["environment"] = run.record["environment"] | {"cpu_count": 4}
    made_run = made.experiment(spent(run)).runs[0]
    settings = made_run.record["deployment"]["settings"]
    return lambda given=None, **changes: Model.of(made_run, {**settings, **changes}, **(given or {}))


def test_a_cache_that_is_off_has_every_read_take_what_a_miss_takes(made):
    of = cached(made)
    searched = [
        of(**how).at("sustained", 1).p95_ms["search"]
        for how in ({"cache": "off"}, {"given": {"hit_ratio": {"search": 1.0}}})
    ]
    assert searched == pytest.approx([40.25, 0.25], rel=0.05)


def test_how_often_a_cache_answers_follows_from_its_lifetime_and_the_rate(made):
    assert hit_ratio(rate_rps=10, ttl_s=1) == pytest.approx(10 / 11)
    assert hit_ratio(0, 30) == 0
    of = cached(made)
    often, seldom = (of(cache_search_ttl_s=ttl_s).at("open", 2.0).mean_ms for ttl_s in (300, 2))
    assert seldom > 2 * often


@pytest.mark.parametrize(
    ("changes", "given", "said"),
    [
        ({"sessions": "cookie"}, {}, "what sessions changes is not in the model; it knows server, workers"),
        ({"password_hash": "argon2id"}, {}, "what a hash by argon2id takes was not given"),
        ({"cache": "process"}, {}, "no measured dashboard shows what it takes at a hit ratio of"),
    ],
)
def test_what_the_model_does_not_know_is_refused(made, changes, given, said):
    with pytest.raises(Unforeseen, match=said):
        model(made, given=given, **changes).at("open", 5.0)


@pytest.mark.parametrize("scenario", ["burst-25", "single", "ramp-10"])
def test_only_a_steady_load_tells_what_a_model_needs(made, scenario):
    with pytest.raises(Unforeseen, match=f"{scenario} is no steady load"):
        model(made, scenario=scenario)


def test_users_cannot_be_foretold_from_requests_that_came_by_themselves(made):
    with pytest.raises(Unforeseen, match="how long users think"):
        model(made, scenario="open-10").at("sustained", 3)


def test_a_run_that_does_not_tell_its_parts_foretells_nothing(made):
    silent = made.run(BASE, "sustained-20")
    silent.process = None
    with pytest.raises(Unforeseen, match="does not tell what its requests needed"):
        Model.of(made.experiment(silent).runs[0])


def test_a_run_of_somebody_elses_application_foretells_nothing(made):
    run = made.run(BASE, "sustained-20")
    run.record["deployment"] = {"name": "http://127.0.0.1:8000", "settings": {}}
    with pytest.raises(Unforeseen, match="does not say how what it drove is set up: server, workers"):
        Model.of(made.experiment(run).runs[0])


@pytest.mark.parametrize(
    ("changed", "said"), [({"valid": False}, "is not valid"), ({"status": "aborted"}, "is aborted")]
)
def test_a_run_that_cannot_be_believed_foretells_nothing(made, changed, said):
    run = made.run(BASE, "sustained-20")
    run.record |= changed
    with pytest.raises(Unforeseen, match=said):
        Model.of(made.experiment(run).runs[0])


@pytest.mark.parametrize("kept", [0, 4])
def test_an_endpoint_that_hardly_anybody_asked_is_told(made, kept):
    run = recorded(made)
    logins = [row for row in run.of("login") if row["phase"] == "measure"][kept:]
    run.rows = [row for row in run.rows if row not in logins]
    found = Model.of(made.experiment(run).runs[0])
    with pytest.raises(Unforeseen, match="under 5 right answers to login were measured; a longer run has more"):
        found.capacity("open", 100)


def test_a_run_at_its_limit_foretells_nothing(made):
    run = recorded(made)
    for row in run.rows:
        row["queue_us"] = 1_000_000
    with pytest.raises(Unforeseen, match=r"the limit was the worker: .* a run under a smaller load tells"):
        Model.of(made.experiment(run).runs[0])


def test_a_load_from_several_processes_is_foretold_as_one(made):
    run = recorded(made)
    run.record["processes"] = 3
    assert Model.of(made.experiment(run).runs[0]).machine.generators == 3


def test_every_setting_that_is_foreseen_is_one_of_a_deployment(made):
    assert set(FORESEEN) <= made.run().record["deployment"]["settings"].keys()
