"""The published promises for when something fails, tested under faults with the published settings."""

import pytest

from analysis.findings import advice, published_resilience
from tests.faulted_runs import between, fail, faulted


def promises(experiment):
    return {finding.id: finding for finding in published_resilience.findings(experiment)}


def availability(experiment):
    return next(each for each in advice.findings(experiment) if "High availability" in each.claim)


def broken(builder):
    run = faulted(builder, "bags-locked", "as-measured")
    fail(between(run, 8, 9), "timeout")
    return run


def test_high_availability_is_not_to_be_relied_on_where_a_target_is_missed(builder):
    finding = availability(builder.experiment(broken(builder), faulted(builder, "failover", "as-measured")))
    assert (finding.verdict, finding.effect) == ("do not follow", 1)
    assert finding.evidence.startswith(
        "as-measured does not meet this requirement, because it does not fail cleanly, or does not recover in time, "
        "under 1 of 2 faults (lock on bags: 40 failures without"
    )


def test_high_availability_without_a_missed_target_is_to_follow(builder):
    finding = availability(builder.experiment(faulted(builder, "failover", "as-measured")))
    assert finding.verdict == "follow"
    assert finding.evidence == "as-measured meets this requirement: it fails cleanly under 1 fault, and recovers"


def test_high_availability_says_nothing_of_our_own_set_up(builder):
    assert availability(builder.experiment(faulted(builder, "failover"))).verdict == "not measured"


@pytest.mark.parametrize(
    ("part", "field", "verdict"),
    [("writes", "lost", "fail"), ("writes", "doubled", "fail"), ("connections", "idle_in_transaction", "fail"),
     ("connections", "after_stop", "pass")],
)  # fmt: skip
def test_transactions_are_safe_where_no_write_is_lost_or_left_open(builder, part, field, verdict):
    run = faulted(builder, "failover", "as-measured")
    run.record[part][field] = 2
    assert promises(builder.experiment(run))["transaction-safety"].verdict == verdict


def test_transaction_safety_without_such_a_run_is_not_measured(builder):
    assert promises(builder.experiment(faulted(builder, "failover")))["transaction-safety"].verdict == "not measured"


def test_fallback_passes_where_dashboards_are_answered_without_a_table(builder):
    finding = promises(builder.experiment(builder.run("as-measured", "missing-table")))["graceful-fallback"]
    assert (finding.verdict, finding.effect, finding.bound) == ("pass", 5, 5)


def test_fallback_fails_where_a_dashboard_fails_without_a_table(builder):
    run = builder.run("as-measured", "missing-table")
    run.rows_of("dashboard")[0] |= {"ok": False, "error": "status 500", "status": 500}
    assert promises(builder.experiment(run))["graceful-fallback"].verdict == "fail"
