"""Each line of the published checklist on data made for it: that it holds, and that it does not."""

import pytest

from analysis.findings.checklist import caches_in_force
from tests.builders import EVERY

BASE, OURS, ON_RDS = "as-measured", "tuned", "as-measured-on-rds"


def test_a_pool_that_does_not_ask_before_each_reuse_fails(judge, made):
    run = made.run()
    run.delta("calls", 148, "SELECT $1")
    judgement = judge("connection-pool-optimizer", run)
    assert judgement.passed is False
    assert "148 pre-pings" in judgement.evidence


def test_a_pool_that_asks_in_only_one_of_two_runs_fails(judge, made):
    run = made.run(block=1)
    run.delta("calls", 0, "SELECT $1")
    assert judge("connection-pool-optimizer", made.run(), run).passed is False


def test_a_pool_that_opens_a_connection_for_each_request_fails(judge, made):
    run = made.run()
    run.delta("sessions", 150)
    judgement = judge("connection-pool-optimizer", run)
    assert (judgement.passed, judgement.effect) == (False, 1.0)


def test_a_pool_whose_connections_nobody_counted_fails(judge, made):
    run = made.run()
    run.delta("sessions", 0)
    run.delta("calls", 150, "SELECT $1")
    judgement = judge("connection-pool-optimizer", run)
    assert (judgement.passed, judgement.effect) == (False, None)


@pytest.mark.parametrize("name", ["connection-pool-optimizer", "local-database-optimization"])
def test_a_pool_at_which_the_database_was_not_read_is_not_measured(judge, made, name):
    run = made.run()
    run.database = []
    assert judge(name, run).passed is None


@pytest.mark.parametrize(("name", "found_by"), [("local", "host name"), ("rds", "setting")])
def test_a_profile_that_was_not_found_by_the_host_name_fails(judge, made, name, found_by):
    run = made.run(ON_RDS, "missing-table")
    run.record["health"]["pool_profile"] = {"name": name, "found_by": found_by, "confirmed": False}
    assert judge("aws-rds-auto-detection", run).passed is False


def test_a_profile_whose_pool_is_not_the_published_one_fails(judge, made):
    run = made.run(ON_RDS, "missing-table")
    for row in run.pool:
        row["limit"] = 50
    judgement = judge("aws-rds-auto-detection", run)
    assert (judgement.passed, judgement.effect) == (False, 50.0)


def test_a_profile_whose_pool_was_never_read_is_not_measured(judge, made):
    run = made.run(ON_RDS, "missing-table")
    run.pool = []
    assert judge("aws-rds-auto-detection", run).passed is None


def test_a_profile_is_judged_by_the_run_whose_pool_was_read(judge, made):
    started = made.run(ON_RDS, "start")
    started.record |= {"outcome": {"started": True, "message": ""}, "health": made.run(ON_RDS).record["health"]}
    assert judge("aws-rds-auto-detection", started, made.run(ON_RDS, "missing-table")).passed is True


def test_a_pool_of_which_two_connections_are_used_at_once_is_in_use(judge, made):
    run = made.run()
    run.database[0]["value"] = 2.0
    judgement = judge("local-database-optimization", run)
    assert (judgement.passed, judgement.effect) == (True, 2.0)
    assert "of the pool's 50 connections" in judgement.evidence


@pytest.mark.parametrize(
    ("name", "deployment", "slower"),
    [
        ("dashboard-stats-optimized", BASE, 300 / 80),
        ("bag-search-optimized", BASE, 300 / 5),
        ("tuned-login-alone", OURS, 300 / 5),
        ("tuned-dashboard-alone", OURS, 300 / 4),
        ("tuned-search-alone", OURS, 300 / 0.25),
    ],
)
def test_an_endpoint_has_to_be_under_the_threshold_alone(made, name, deployment, slower):
    at = EVERY[name](made.experiment(made.run(deployment, "single", slower=slower), name="at"))
    under = EVERY[name](made.experiment(made.run(deployment, "single", slower=0.99 * slower), name="under"))
    assert (at.passed, at.effect) == (False, pytest.approx(300))
    assert (under.passed, under.effect) == (True, pytest.approx(297))


def test_one_server_error_says_that_the_schema_does_not_match(judge, made):
    run = made.run()
    run.rows[7] |= {"status": 500, "ok": False}
    judgement = judge("schema-mismatches-fixed", run)
    assert (judgement.passed, judgement.effect) == (False, 1.0)


def test_one_answer_that_lacked_a_table_says_that_the_schema_does_not_match(judge, made):
    run = made.run()
    run.log = ['{"request_id": "0-2", "unavailable": ["total_bills"]}', '{"request_id": "1-2"}']
    judgement = judge("schema-mismatches-fixed", run)
    assert (judgement.passed, judgement.effect) == (False, 1.0)


def test_an_answer_that_a_failed_statement_spoils_is_not_handled(judge, made):
    run = made.run(ON_RDS, "missing-table")
    run.of("search")[0]["ok"] = False
    judgement = judge("transaction-error-handling", run)
    assert judgement.passed is False
    assert "14 of 15 answers were right" in judgement.evidence


@pytest.mark.parametrize("scenario", ["burst-25", "burst-50"])
def test_one_wrong_answer_in_either_burst_is_no_full_success(judge, made, scenario):
    runs = {name: made.run(BASE, name) for name in ("burst-25", "burst-50")}
    runs[scenario].rows[-1]["ok"] = False
    judgement = judge("success-rate-under-load", *runs.values())
    assert (judgement.passed, judgement.effect) == (False, pytest.approx(224 / 225))
    assert judgement.evidence.startswith("224 of 225 answers")


def test_the_success_rate_names_only_the_bursts_that_were_run(judge, made):
    judgement = judge("success-rate-under-load", made.run(BASE, "burst-50"))
    assert judgement.passed is True
    assert judgement.evidence == "150 of 150 answers were right by content (burst-50)"


@pytest.mark.parametrize("change", [{"ok": False}, {"session_us": 0}, {"session_us": None}])
def test_a_read_without_its_session_fails(judge, made, change):
    run = made.run()
    run.of("dashboard")[3] |= change
    assert judge("session-management-configured", run).passed is False


def test_one_living_session_that_was_evicted_fails(judge, made):
    run = made.run()
    run.record["counters"]["session_evictions"] = 1
    judgement = judge("session-management-configured", run)
    assert judgement.passed is False
    assert judgement.evidence.endswith("filesystem, at most 500 of 3600 s, 1 living session evicted")


def test_a_login_that_fails_says_nothing_of_sessions(judge, made):
    run = made.run()
    run.of("login")[3]["ok"] = False
    assert judge("session-management-configured", run).passed is True


def test_one_error_without_its_log_line_is_not_logged(judge, made):
    run = made.run(ON_RDS, "missing-table")
    del run.log[2]
    judgement = judge("error-logging-and-monitoring", run)
    assert (judgement.passed, judgement.effect) == (False, 4.0)


def test_the_log_line_of_another_request_does_not_count(judge, made):
    run = made.run(ON_RDS, "missing-table")
    run.log[2] = run.log[2].replace('"2-2"', '"99-2"')
    assert judge("error-logging-and-monitoring", run).passed is False


def test_errors_while_nobody_read_the_pool_are_not_monitored(judge, made):
    run = made.run(ON_RDS, "missing-table")
    run.pool = []
    assert judge("error-logging-and-monitoring", run).passed is False


def test_errors_can_be_provoked_on_either_deployment(judge, made):
    runs = [made.run(BASE, "missing-table"), made.run(ON_RDS, "missing-table")]
    judgement = judge("error-logging-and-monitoring", *runs)
    assert (judgement.passed, judgement.effect, len(judgement.runs)) == (True, 10.0, 2)


def test_the_caches_are_in_force_only_if_the_measured_set_up_has_hits(made):
    without = caches_in_force(made.experiment(made.run(), made.run("as-claimed"), name="without"))
    assert (without.passed, without.effect) == (False, 0.0)
    assert without.evidence == "0 cache hits at 50 users in what was measured; 100 where the caches are in force"
    run = made.run()
    run.of("search")[0]["cache"] = "hit"
    assert caches_in_force(made.experiment(run, name="with")).passed is True
    assert caches_in_force(made.experiment(made.run("tuned"), name="neither")).passed is None
