"""The published pooling beside PgBouncer: its verdict from the server's connections, and what PgBouncer changes."""

import pytest

from analysis.findings import pooling
from analysis.metrics import pooler_metrics
from workbench import left_out_arms
from workbench.arms import ADVISED, TUNED

WITH_POOLER = "as-advised-with-pgbouncer"
SPREAD = (1.0, 1.01, 0.99, 1.005)
STATS = {"total_xact_count": 200, "total_wait_time": 500_000}


@pytest.fixture
def runs_of(builder):
    """Four runs of a deployment; the server sees so many connections, and requests take `slower` times as long."""

    def runs_of(deployment, connections, slower=1.0):
        runs = [
            builder.run(deployment, block=block, slower=slower * spread * (20 if deployment == TUNED else 1))
            for block, spread in enumerate(SPREAD)
        ]
        for run in runs:
            run.database = [row for row in run.database if row["source"] != "activity"]
            run.database.append({"at_us": 1, "source": "activity", "name": "idle", "metric": "none",
                                 "value": float(connections)})  # fmt: skip
        return runs

    return runs_of


def findings_of(experiment):
    return {finding.id: finding for finding in pooling.findings(experiment)}


@pytest.mark.parametrize(("own", "pooled", "verdict"), [(64, 20, "fail"), (20, 20, "pass"), (8, 20, "pass")])
def test_the_published_pooling_is_judged_by_the_connections_at_the_server(builder, runs_of, own, pooled, verdict):
    experiment = builder.experiment(*runs_of(ADVISED, own), *runs_of(WITH_POOLER, pooled))
    finding = findings_of(experiment)[pooling.CLAIM]
    assert (finding.verdict, finding.effect, finding.bound) == (verdict, own, pooled)
    assert finding.claim.startswith("PgBouncer-like connection pooling")
    assert f"at most {own} connections of the pools of 8 workers, and {pooled} of PgBouncer" in finding.evidence


def test_what_pgbouncer_changes_has_an_interval_and_both_sides(builder, runs_of):
    experiment = builder.experiment(*runs_of(TUNED, 6), *runs_of("tuned-with-pgbouncer", 6, slower=1.2))
    finding = findings_of(experiment)[pooling.change_id(TUNED)]
    low, high = finding.interval
    assert low < 1.2 < high
    assert (finding.verdict, finding.n) == ("reported", 4)
    assert "at most 6 connections at the server, median " in finding.evidence


def test_without_pgbouncer_the_claim_says_what_the_machine_lacked(builder, runs_of):
    left_out = [left_out_arms.LeftOutArm(WITH_POOLER, "burst-50", "pgbouncer is not installed")]
    experiment = builder.experiment(*runs_of(ADVISED, 8), left_out=left_out_arms.to_record(left_out))
    (finding,) = findings_of(experiment).values()
    assert finding.verdict == "not measured"
    assert finding.evidence == f"no valid run of burst-50 on {WITH_POOLER}: pgbouncer is not installed"


def test_the_wait_of_a_transaction_is_in_milliseconds(builder, runs_of):
    pooled, *_ = runs_of(WITH_POOLER, 8)
    pooled.record["pooler"] = {"version": "PgBouncer 1.18.0", "pools": [{}], "stats": [STATS]}
    without, *_ = runs_of(ADVISED, 8)
    first, second = builder.experiment(pooled, without).runs
    assert pooler_metrics.wait_ms(first) == pytest.approx(2.5)
    assert pooler_metrics.wait_ms(second) is None
    assert pooler_metrics.pooler_cpu_ms_per_request(second) is None
