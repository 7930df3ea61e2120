"""The published advice, evaluated: each verdict of each check from runs that decide it."""

import pytest

from analysis.findings import advice, published_report
from analysis.findings.advice import CHECKS
from analysis.findings.evaluation import evaluate
from workbench.arms import (
    ADVISED,
    ASYNC,
    BASELINE,
    CLAIMED,
    DISTANT,
    DISTANT_ASYNC,
    HEAVY_SEARCH_2,
    PSYCOPG3,
    SYNC_WORKERS,
    TUNED,
)

SPREAD = (1.0, 1.01, 0.99, 1.005)
ONE_WORKER, FILES = "tuned-without-workers", "tuned-without-shared-sessions"
TRIGRAM = "as-measured-with-trigram"
STANDARD, FILESYSTEM = "Standard gunicorn worker (1 worker)", "Filesystem sessions"
INDEXES, CACHING = "Add indexes for frequently queried columns", "Implement query result caching strategy"
REDIS, GEVENT = "Redis for session storage (multi-process support)", "8+ gevent workers (requires adequate memory)"
FULL_ASYNC, BLOCKING = "Full async integration", "Migrate blocking queries to async_db_operations framework"
HEAVY = "Implement non-blocking endpoints for heavy queries"
FOLLOW, DO_NOT_FOLLOW, NOT_MEASURED = "follow", "do not follow", "not measured"


@pytest.fixture
def advise(builder):
    """The findings of an experiment of these arms by the text of the advice; an arm is (deployment, slower, scenario).

    Each runs in four blocks unless `blocks` says otherwise.
    """

    def advise(*arms, blocks=4, change=lambda run: None):
        runs = [
            builder.run(deployment, scenario, block=block, slower=slower * spread)
            for deployment, slower, scenario in arms
            for block, spread in enumerate(SPREAD[:blocks])
        ]
        for run in runs:
            change(run)
        findings = advice.findings(builder.experiment(*runs))
        return {finding.claim.partition(": ")[2]: finding for finding in findings}

    return advise


def burst(deployment, slower=1.0):
    return deployment, slower, "burst-50"


@pytest.mark.parametrize(
    ("text", "arms", "verdict"),
    [
        # Tuned takes 0.46 s; without a scale factor its variants take 9.25 s.
        (STANDARD, [burst(TUNED), burst(ONE_WORKER)], DO_NOT_FOLLOW),
        (STANDARD, [burst(TUNED), burst(ONE_WORKER, 0.05)], FOLLOW),
        (STANDARD, [burst(TUNED), burst(ONE_WORKER, 0.02)], FOLLOW),
        (FILESYSTEM, [burst(TUNED), burst(FILES)], DO_NOT_FOLLOW),
        (FILESYSTEM, [burst(TUNED), burst(FILES, 0.05)], DO_NOT_FOLLOW),
        (FILESYSTEM, [burst(TUNED), burst(FILES, 0.02)], FOLLOW),
        (REDIS, [burst(TUNED), burst(FILES)], FOLLOW),
        (REDIS, [burst(TUNED), burst(FILES, 0.05)], FOLLOW),
        (REDIS, [burst(TUNED), burst(FILES, 0.02)], DO_NOT_FOLLOW),
        (CACHING, [burst(BASELINE), burst(CLAIMED)], FOLLOW),
        (CACHING, [burst(BASELINE), burst(CLAIMED, 10)], DO_NOT_FOLLOW),
        (CACHING, [burst(BASELINE), burst(CLAIMED, 30)], DO_NOT_FOLLOW),
        (INDEXES, [(BASELINE, 2.0, "reads"), (TRIGRAM, 1.0, "reads")], FOLLOW),
        (INDEXES, [(BASELINE, 1.0, "reads"), (TRIGRAM, 1.0, "reads")], DO_NOT_FOLLOW),
        (INDEXES, [(BASELINE, 1.0, "reads"), (TRIGRAM, 2.0, "reads")], DO_NOT_FOLLOW),
        (FULL_ASYNC, [burst(PSYCOPG3, 1.0), burst(ASYNC, 0.5)], FOLLOW),
        (FULL_ASYNC, [burst(PSYCOPG3, 1.0), burst(ASYNC, 1.0)], DO_NOT_FOLLOW),
        (FULL_ASYNC, [burst(PSYCOPG3, 1.0), burst(ASYNC, 2.0)], DO_NOT_FOLLOW),
        (BLOCKING, [burst(DISTANT, 1.0), burst(DISTANT_ASYNC, 0.5)], FOLLOW),
        (HEAVY, [(TUNED, 1.0, HEAVY_SEARCH_2), (ASYNC, 0.02, HEAVY_SEARCH_2)], FOLLOW),
        (HEAVY, [(TUNED, 1.0, HEAVY_SEARCH_2), (ASYNC, 0.05, HEAVY_SEARCH_2)], DO_NOT_FOLLOW),
        (GEVENT, [burst(ADVISED), burst(TUNED)], DO_NOT_FOLLOW),
        (GEVENT, [burst(ADVISED, 0.01), burst(TUNED)], FOLLOW),
    ],
)
def test_advice_about_a_change_follows_from_its_effect(advise, text, arms, verdict):
    finding = advise(*arms)[text]
    assert finding.verdict == verdict
    assert finding.n == 4
    assert len(finding.runs) == 8
    assert finding.interval[0] <= finding.effect <= finding.interval[1]


@pytest.mark.parametrize(
    ("text", "arms"),
    [
        (STANDARD, [burst(TUNED), burst(ONE_WORKER)]),
        (CACHING, [burst(BASELINE), burst(CLAIMED)]),
        (GEVENT, [burst(ADVISED), burst(TUNED)]),
    ],
)
def test_one_block_decides_no_advice(advise, text, arms):
    assert advise(*arms, blocks=1)[text].verdict == NOT_MEASURED


@pytest.mark.parametrize("arms", [[burst(TUNED)], [burst(ONE_WORKER)], []])
def test_an_arm_that_is_missing_is_named(advise, arms):
    finding = advise(*arms)[STANDARD]
    assert finding.verdict == NOT_MEASURED
    missing = ONE_WORKER if arms == [burst(TUNED)] else TUNED
    assert finding.evidence == f"no valid run of burst-50 on {missing}"


@pytest.mark.parametrize(("connections", "verdict"), [(1, DO_NOT_FOLLOW), (24, DO_NOT_FOLLOW), (25, FOLLOW)])
def test_a_pool_of_50_is_advised_where_half_of_it_was_in_use(advise, connections, verdict):
    def change(run):
        for reading in run.pool:
            reading["server_connections"] = connections
        for reading in run.database:
            if reading["source"] == "activity":
                reading["value"] = float(connections)

    finding = advise(burst(BASELINE), blocks=1, change=change)["50 max connections"]
    assert (finding.verdict, finding.effect, finding.bound) == (verdict, connections, 50)


@pytest.mark.parametrize(("started", "verdict"), [(False, DO_NOT_FOLLOW), (True, FOLLOW)])
def test_90_connections_are_advised_where_the_application_starts_with_them(advise, started, verdict):
    def change(run):
        run.record["outcome"]["started"] = started

    finding = advise(("as-advised-at-default", 1.0, "start"), blocks=1, change=change)[
        "90 max connections (40 base + 50 overflow)"
    ]
    assert (finding.verdict, finding.effect, finding.bound) == (verdict, 720, 100)
    assert finding.query == ""


@pytest.mark.parametrize(("queue_share", "verdict"), [(0.98, DO_NOT_FOLLOW), (0.0, FOLLOW)])
def test_endpoints_alone_are_the_focus_where_no_request_waits(advise, queue_share, verdict):
    def change(run):
        if not queue_share:
            for row in run.rows:
                row |= {"latency_us": row["app_us"], "response_us": row["app_us"], "queue_us": 0}

    finding = advise(burst(BASELINE), burst(TUNED), blocks=1, change=change)["Individual endpoint optimization focus"]
    assert finding.verdict == verdict
    assert finding.effect == pytest.approx(queue_share, abs=0.01)


@pytest.mark.parametrize(("database_share", "verdict"), [(0.01, DO_NOT_FOLLOW), (0.5, FOLLOW)])
def test_waiting_for_the_database_is_worth_a_change_where_it_is_a_share_of_the_time(advise, database_share, verdict):
    def change(run):
        if database_share > 0.1:
            for row in run.rows:
                row |= {"latency_us": row["app_us"], "response_us": row["app_us"], "queue_us": 0}

    finding = advise(burst(BASELINE), burst(TUNED), blocks=1, change=change)[
        "Migrate blocking queries to async_db_operations framework"
    ]
    assert finding.verdict == verdict
    assert finding.effect == pytest.approx(database_share, abs=0.01)


@pytest.mark.parametrize(("logged", "verdict"), [(True, FOLLOW), (False, DO_NOT_FOLLOW)])
def test_missing_tables_are_to_be_created_where_a_dashboard_lacks_a_number(advise, logged, verdict):
    def change(run):
        if not logged:
            run.log = []

    finding = advise(burst(BASELINE), ("as-measured-on-rds", 1.0, "missing-table"), blocks=1, change=change)[
        "Create missing tables (bills, etc.) with proper schema"
    ]
    assert (finding.verdict, finding.effect, finding.bound) == (verdict, float(logged), 0)
    assert len(finding.runs) == 2


def test_advice_that_no_run_varies_is_not_measured(full):
    findings = {finding.claim.partition(": ")[2]: finding for finding in advice.findings(full)}
    unknown = findings.keys() - CHECKS.keys()
    assert len(unknown) > 4
    assert {(findings[text].verdict, findings[text].evidence) for text in unknown} == {
        (NOT_MEASURED, "no run varies this")
    }


def test_every_check_is_of_a_published_line_and_every_line_has_one_finding(full):
    texts = [row.recommendation for row in published_report.rows("recommendations")]
    texts += [row.step for row in published_report.rows("next_steps")]
    assert CHECKS.keys() <= set(texts)
    findings = [finding for finding in evaluate(full) if finding.kind == "advice"]
    assert [finding.claim.partition(": ")[2] for finding in findings] == texts
    assert len({finding.id for finding in findings}) == len(findings)


def test_heavy_queries_are_compared_with_threads_and_shown_beside_sync_workers(advise):
    arms = [(TUNED, 1.0, HEAVY_SEARCH_2), (SYNC_WORKERS, 0.2, HEAVY_SEARCH_2), (ASYNC, 0.05, HEAVY_SEARCH_2)]
    finding = advise(*arms)[HEAVY]
    assert finding.effect == pytest.approx(1.0, rel=0.02)
    assert "to threads × " in finding.evidence
    assert "to sync workers × 0.25" in finding.evidence
    assert len(finding.runs) == 12


def test_too_few_blocks_decide_nothing_about_going_asynchronous(advise):
    finding = advise(burst(PSYCOPG3), burst(ASYNC, 0.5), blocks=2)[FULL_ASYNC]
    assert finding.verdict == NOT_MEASURED
    assert "inconclusive" in finding.evidence
