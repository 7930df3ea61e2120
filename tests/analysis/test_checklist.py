"""Each line of the published checklist, on runs on which it passes and on runs on which it fails."""

import pytest

from analysis.findings.finding import FAIL, NOT_MEASURED, PASS
from tests.builders import EVALUATIONS
from workbench.arms import BASELINE, BURST_25, BURST_50, MISSING_TABLE, ON_RDS, SINGLE, TUNED


def test_pool_without_a_pre_ping_before_each_reuse_fails(evaluate, builder):
    run = builder.run()
    run.set_database_delta("calls", 148, "SELECT $1")
    finding = evaluate("connection-pool-optimizer", run)
    assert finding.verdict == FAIL
    assert "148 pre-pings" in finding.evidence


def test_pool_with_pre_pings_in_only_one_of_two_runs_fails(evaluate, builder):
    run = builder.run(block=1)
    run.set_database_delta("calls", 0, "SELECT $1")
    assert evaluate("connection-pool-optimizer", builder.run(), run).verdict == FAIL


def test_pool_with_a_connection_for_each_request_fails(evaluate, builder):
    run = builder.run()
    run.set_database_delta("sessions", 150)
    finding = evaluate("connection-pool-optimizer", run)
    assert (finding.verdict, finding.effect) == (FAIL, 1.0)


def test_pool_with_no_counted_connection_fails(evaluate, builder):
    run = builder.run()
    run.set_database_delta("sessions", 0)
    run.set_database_delta("calls", 150, "SELECT $1")
    finding = evaluate("connection-pool-optimizer", run)
    assert (finding.verdict, finding.effect) == (FAIL, None)


@pytest.mark.parametrize("name", ["connection-pool-optimizer", "local-database-optimization"])
def test_pool_without_database_readings_is_not_measured(evaluate, builder, name):
    run = builder.run()
    run.database = []
    assert evaluate(name, run).verdict == NOT_MEASURED


@pytest.mark.parametrize(("name", "found_by"), [("local", "host name"), ("rds", "setting")])
def test_rds_profile_not_detected_by_host_name_fails(evaluate, builder, name, found_by):
    run = builder.run(ON_RDS, MISSING_TABLE)
    run.record["health"]["pool_profile"] = {"name": name, "found_by": found_by, "confirmed": False}
    assert evaluate("aws-rds-auto-detection", run).verdict == FAIL


def test_rds_profile_with_another_pool_than_the_published_fails(evaluate, builder):
    run = builder.run(ON_RDS, MISSING_TABLE)
    for row in run.pool:
        row["limit"] = 50
    finding = evaluate("aws-rds-auto-detection", run)
    assert (finding.verdict, finding.effect) == (FAIL, 50.0)


def test_rds_profile_without_pool_readings_is_not_measured(evaluate, builder):
    run = builder.run(ON_RDS, MISSING_TABLE)
    run.pool = []
    assert evaluate("aws-rds-auto-detection", run).verdict == NOT_MEASURED


def test_rds_profile_is_evaluated_on_the_run_with_pool_readings(evaluate, builder):
    started = builder.run(ON_RDS, "start")
    started.record |= {"outcome": {"started": True, "message": ""}, "health": builder.run(ON_RDS).record["health"]}
    assert evaluate("aws-rds-auto-detection", started, builder.run(ON_RDS, MISSING_TABLE)).verdict == PASS


def test_local_pool_with_two_connections_in_use_at_once_passes(evaluate, builder):
    run = builder.run()
    run.database[0]["value"] = 2.0
    finding = evaluate("local-database-optimization", run)
    assert (finding.verdict, finding.effect) == (PASS, 2.0)
    assert "of the pool's 50 connections" in finding.evidence


@pytest.mark.parametrize(
    ("name", "deployment", "slower"),
    [
        ("dashboard-stats-optimized", BASELINE, 300 / 80),
        ("bag-search-optimized", BASELINE, 300 / 5),
        ("tuned-login-alone", TUNED, 300 / 5),
        ("tuned-dashboard-alone", TUNED, 300 / 4),
        ("tuned-search-alone", TUNED, 300 / 0.25),
    ],
)
def test_single_requests_at_the_threshold_fail_and_below_it_pass(builder, name, deployment, slower):
    at = EVALUATIONS[name](builder.experiment(builder.run(deployment, SINGLE, slower=slower), name="at"))
    under = EVALUATIONS[name](builder.experiment(builder.run(deployment, SINGLE, slower=0.99 * slower), name="under"))
    assert (at.verdict, at.effect) == (FAIL, pytest.approx(300))
    assert (under.verdict, under.effect) == (PASS, pytest.approx(297))


def test_schema_with_one_server_error_fails(evaluate, builder):
    run = builder.run()
    run.rows[7] |= {"status": 500, "ok": False}
    finding = evaluate("schema-mismatches-fixed", run)
    assert (finding.verdict, finding.effect) == (FAIL, 1.0)


def test_schema_with_one_response_that_lacks_a_table_fails(evaluate, builder):
    run = builder.run()
    run.log = ['{"request_id": "0-2", "unavailable": ["total_bills"]}', '{"request_id": "1-2"}']
    finding = evaluate("schema-mismatches-fixed", run)
    assert (finding.verdict, finding.effect) == (FAIL, 1.0)


def test_error_handling_with_one_failed_response_fails(evaluate, builder):
    run = builder.run(ON_RDS, MISSING_TABLE)
    run.rows_of("search")[0]["ok"] = False
    finding = evaluate("transaction-error-handling", run)
    assert finding.verdict == FAIL
    assert "14 of 15 responses were successful" in finding.evidence


@pytest.mark.parametrize("scenario", [BURST_25, BURST_50])
def test_success_rate_with_one_failure_in_either_burst_fails(evaluate, builder, scenario):
    runs = {name: builder.run(BASELINE, name) for name in (BURST_25, BURST_50)}
    runs[scenario].rows[-1]["ok"] = False
    finding = evaluate("success-rate-under-load", *runs.values())
    assert (finding.verdict, finding.effect) == (FAIL, pytest.approx(224 / 225))
    assert finding.evidence.startswith("224 of 225 responses")


def test_success_rate_names_only_the_bursts_that_were_run(evaluate, builder):
    finding = evaluate("success-rate-under-load", builder.run(BASELINE, BURST_50))
    assert finding.verdict == PASS
    assert finding.evidence == "150 of 150 responses were successful by their content (burst-50)"


@pytest.mark.parametrize("change", [{"ok": False}, {"session_us": 0}, {"session_us": None}])
def test_sessions_with_one_read_without_its_session_fail(evaluate, builder, change):
    run = builder.run()
    run.rows_of("dashboard")[3] |= change
    assert evaluate("session-management-configured", run).verdict == FAIL


def test_sessions_with_one_unexpired_session_evicted_fail(evaluate, builder):
    run = builder.run()
    run.record["counters"]["session_evictions"] = 1
    finding = evaluate("session-management-configured", run)
    assert finding.verdict == FAIL
    assert finding.evidence.endswith(
        "filesystem storage, at most 500 sessions with a lifetime of 3600 s, 1 unexpired session evicted"
    )


def test_sessions_with_a_failed_login_pass(evaluate, builder):
    run = builder.run()
    run.rows_of("login")[3]["ok"] = False
    assert evaluate("session-management-configured", run).verdict == PASS


def test_error_logging_with_one_missing_log_line_fails(evaluate, builder):
    run = builder.run(ON_RDS, MISSING_TABLE)
    del run.log[2]
    finding = evaluate("error-logging-and-monitoring", run)
    assert (finding.verdict, finding.effect) == (FAIL, 4.0)


def test_error_logging_with_the_log_line_of_another_request_fails(evaluate, builder):
    run = builder.run(ON_RDS, MISSING_TABLE)
    run.log[2] = run.log[2].replace('"2-2"', '"99-2"')
    assert evaluate("error-logging-and-monitoring", run).verdict == FAIL


def test_error_logging_without_pool_readings_fails(evaluate, builder):
    run = builder.run(ON_RDS, MISSING_TABLE)
    run.pool = []
    assert evaluate("error-logging-and-monitoring", run).verdict == FAIL


def test_error_logging_counts_the_runs_of_both_deployments(evaluate, builder):
    runs = [builder.run(BASELINE, MISSING_TABLE), builder.run(ON_RDS, MISSING_TABLE)]
    finding = evaluate("error-logging-and-monitoring", *runs)
    assert (finding.verdict, finding.effect, len(finding.runs)) == (PASS, 10.0, 2)
