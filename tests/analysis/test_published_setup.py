"""What the published report says of its set-up, on runs of which that is known."""

import pytest

from analysis.findings import published_setup
from analysis.metrics import published_report

BASE, OURS = "as-measured", "tuned"


@pytest.fixture
def judged(made):
    """The judgement of one statement on an experiment of these runs."""

    def judge(statement, *runs, **how):
        (of,) = (of for of in published_setup.declared() if of.id == statement)
        return of.judge(made.experiment(*runs, **how))

    return judge


def test_every_statement_has_a_name_of_its_own_and_says_what_was_published():
    every = list(published_setup.declared())
    assert len({of.id for of in every}) == len(every) == 9
    claims = " ".join(of.claim for of in every)
    for row in published_report.load("pool").itertuples():
        assert f"{row.profile} pool: {row.pool_size} + {row.pool_max_overflow} connections" in claims
    assert set(published_setup.SUITED) <= set(published_report.load("recommendations")["recommendation"])


def test_without_a_run_nothing_is_said(made):
    experiment = made.experiment(made.run(OURS))
    assert {of.judge(experiment).passed for of in published_setup.declared()} == {None}


def test_the_pool_is_as_it_was_set_and_what_the_server_saw_stands_beside(made, judged):
    found = judged("declared-pool-local", made.run())
    assert found.passed
    assert found.evidence == (
        "pool_size 30, pool_max_overflow 20, pool_recycle_s 1800, keepalives_idle_s 5; the server saw at most 1 "
        "connections under burst-50"
    )
    other = made.run()
    other.record["deployment"]["settings"]["pool_size"] = 3
    assert judged("declared-pool-local", other, name="other").passed is False
    assert judged("declared-pool-rds", made.run("as-measured-on-rds", "missing-table"), name="rds").passed


def test_a_cache_is_there_if_it_answers(made, judged):
    found = judged("declared-cache-search", made.run())
    assert (found.passed, found.effect) == (False, 0.0)
    assert found.evidence == "no cache in force: 0 answers to search came from one under burst-50"
    cached = made.run()
    cached.record["deployment"]["settings"]["cache"] = "process"
    assert judged("declared-cache-search", cached, name="unused").passed is False
    for row in cached.of("search"):
        row["cache"] = "hit"
    assert judged("declared-cache-search", cached, name="used").passed
    assert judged("declared-cache-dashboard", cached, name="other").passed is False


def test_workers_and_sessions_are_as_they_were_set(made, judged):
    assert judged("declared-sessions", made.run()).passed
    assert judged("declared-workers-as-measured", made.run(), name="one").passed
    assert judged("declared-workers-as-advised", made.run("as-advised"), name="eight").passed


def test_whom_it_suits_is_judged_by_latency_under_so_many(made, judged):
    slow = judged("declared-as-measured-for-25", made.run(BASE, "burst-25"))
    assert slow.passed is False
    assert slow.evidence.endswith(" ms under burst-25; the bound is 300 ms")
    fast = judged("declared-as-advised-for-100", made.run("as-advised", "sustained-100"), name="fast")
    assert fast.passed
    assert fast.effect < 300


@pytest.mark.parametrize(("slow", "passed"), [(64, True), (16, False)])
def test_a_search_for_how_many_users_it_holds_decides_where_there_was_one(made, judged, slow, passed):
    probes = [made.run(BASE, f"sustained-{users}", slower=20 if users >= slow else 1) for users in (8, 16, 32, 64)]
    searches = [{"deployment": BASE, "family": "sustained"}]
    found = judged("declared-as-measured-for-25", made.run(BASE, "burst-25"), probes=tuple(probes), searches=searches)
    assert found.passed is passed
    assert found.effect == (32 if passed else 8)
