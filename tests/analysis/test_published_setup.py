"""Statements of the published report about its setup, on runs whose setup is known."""

import pytest

from analysis.findings import published_report, published_setup
from analysis.findings.finding import FAIL, NOT_MEASURED, PASS
from workbench.arms import ADVISED, BASELINE, BURST_25, MISSING_TABLE, ON_RDS, SUSTAINED_100, TUNED


@pytest.fixture
def finding_of(builder):
    """The finding of one statement on an experiment of these runs."""

    def finding_of(statement, *runs, **record):
        (found,) = (each for each in published_setup.statements() if each.id == statement)
        return found.evaluate(builder.experiment(*runs, **record))

    return finding_of


def test_statements_have_unique_ids_and_the_published_values():
    statements = list(published_setup.statements())
    assert len({statement.id for statement in statements}) == len(statements) == 9
    texts = " ".join(statement.text for statement in statements)
    for row in published_report.rows("pool"):
        assert f"{row.profile} pool: {row.pool_size} + {row.pool_max_overflow} connections" in texts
    recommendations = set(published_report.load("recommendations")["recommendation"])
    assert set(published_setup.RECOMMENDED_LOADS) <= recommendations


def test_statements_without_a_run_are_not_measured(builder):
    findings = published_setup.findings(builder.experiment(builder.run(TUNED)))
    assert {finding.verdict for finding in findings} == {NOT_MEASURED}


def test_pool_as_published_passes_and_shows_the_peak_of_connections(builder, finding_of):
    finding = finding_of("declared-pool-local", builder.run())
    assert finding.verdict == PASS
    assert finding.evidence == (
        "pool_size 30, pool_max_overflow 20, pool_recycle_s 1800, keepalives_idle_s 5; the server saw at most 1 "
        "connection under burst-50"
    )
    other = builder.run()
    other.record["deployment"]["settings"]["pool_size"] = 3
    assert finding_of("declared-pool-local", other, name="other").verdict == FAIL
    assert finding_of("declared-pool-rds", builder.run(ON_RDS, MISSING_TABLE), name="rds").verdict == PASS


def test_cache_passes_if_it_answers(builder, finding_of):
    finding = finding_of("declared-cache-search", builder.run())
    assert (finding.verdict, finding.effect) == (FAIL, 0.0)
    assert finding.evidence == "no cache in force: 0 responses to search came from a cache under burst-50"
    cached = builder.run()
    cached.record["deployment"]["settings"]["cache"] = "process"
    assert finding_of("declared-cache-search", cached, name="unused").verdict == FAIL
    for row in cached.rows_of("search"):
        row["cache"] = "hit"
    assert finding_of("declared-cache-search", cached, name="used").verdict == PASS
    assert finding_of("declared-cache-dashboard", cached, name="other").verdict == FAIL


def test_workers_and_sessions_as_published_pass(builder, finding_of):
    assert finding_of("declared-sessions", builder.run()).verdict == PASS
    assert finding_of("declared-workers-as-measured", builder.run(), name="one").verdict == PASS
    assert finding_of("declared-workers-as-advised", builder.run(ADVISED), name="eight").verdict == PASS


def test_recommended_load_is_evaluated_by_the_latency_under_it(builder, finding_of):
    slow = finding_of("declared-as-measured-for-25", builder.run(BASELINE, BURST_25))
    assert slow.verdict == FAIL
    assert slow.evidence.endswith(" ms in one run under burst-25; the bound is 300 ms")
    fast = finding_of("declared-as-advised-for-100", builder.run(ADVISED, SUSTAINED_100), name="fast")
    assert fast.verdict == PASS
    assert fast.effect < 300


@pytest.mark.parametrize(("slow", "verdict"), [(64, PASS), (16, FAIL)])
def test_recommended_load_is_evaluated_by_a_capacity_search_if_there_is_one(builder, finding_of, slow, verdict):
    probes = [
        builder.run(BASELINE, f"sustained-{users}", slower=20 if users >= slow else 1) for users in (8, 16, 32, 64)
    ]
    searches = [{"deployment": BASELINE, "family": "sustained"}]
    burst = builder.run(BASELINE, BURST_25)
    finding = finding_of("declared-as-measured-for-25", burst, probes=probes, searches=searches)
    assert finding.verdict == verdict
    assert finding.effect == (32 if verdict == PASS else 8)
