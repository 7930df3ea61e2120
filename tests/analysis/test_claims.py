"""Every claim on data made for it: that it holds, that it does not, that nobody looked."""

import pytest

from analysis import claims, measures, published
from analysis.recording import Experiment

EVERY = claims.CHECKS | {name: check for name, _, check in claims.OBJECTIVES}
BY_ID = pytest.mark.parametrize("name", EVERY)
BASE, OURS, ON_RDS = "as-measured", "tuned", "as-measured-on-rds"


@pytest.fixture(scope="module")
def full(tmp_path_factory, builder) -> Experiment:
    return builder(tmp_path_factory.mktemp("full")).full()


@pytest.fixture
def judge(made):
    """The judgement of one claim on an experiment of these runs."""

    def judgement(name, *runs):
        return EVERY[name](made.experiment(*runs))

    return judgement


def spoil(run):
    """Everything that a run can say against the system, in a run that cannot be believed."""
    for row in run.rows:
        row |= {"ok": False, "status": 500, "latency_us": 100 * row["latency_us"], "session_us": 0, "cache": "stale"}
    for row in run.database or ():
        row["value"] = 0.0
    for row in run.pool or ():
        row["limit"] = 7
    run.log = []
    run.record |= {"health": {"pool_profile": {"name": "local", "found_by": "setting"}}}
    run.record |= {"outcome": {"started": True, "said": ""}, "writes": {"acknowledged": 9, "stored": 0, "lost": 9}}
    return run.invalid()


def test_every_published_id_has_a_check_and_every_check_a_published_id():
    assert list(claims.CHECKS) == list(published.load("checklist")["id"])


def test_no_objective_has_the_id_of_another_claim():
    assert len(EVERY) == len(claims.CHECKS) + len(claims.OBJECTIVES)


@BY_ID
def test_a_claim_holds_on_the_full_experiment(full, name):
    judgement = EVERY[name](full)
    assert judgement.passed is (name != "local-database-optimization"), judgement.evidence
    assert judgement.runs
    assert judgement.evidence


@BY_ID
def test_without_its_runs_a_claim_is_not_measured(judge, made, name):
    judgement = judge(name, made.run("as-claimed", "reads"))
    assert (judgement.passed, judgement.effect, judgement.runs) == (None, None, ())
    assert judgement.evidence


@pytest.fixture(scope="module")
def with_invalid(tmp_path_factory, builder, full) -> Experiment:
    """The full experiment, each of its runs after one of its arm that is invalid and says the opposite."""
    made = builder(tmp_path_factory.mktemp("with-invalid"))
    arms = [(run.deployment, run.scenario) for run in full.runs]
    return made.experiment(*(run for arm in arms for run in (spoil(made.run(*arm)), made.run(*arm))))


@BY_ID
def test_invalid_runs_never_enter(full, with_invalid, name):
    alone, beside = EVERY[name](full), EVERY[name](with_invalid)
    assert (beside.passed, beside.evidence, beside.effect) == (alone.passed, alone.evidence, alone.effect)
    assert len(beside.runs) == len(alone.runs)
    assert all(run.record["valid"] for run in beside.runs)


@pytest.fixture(scope="module")
def only_invalid(tmp_path_factory, builder) -> Experiment:
    return builder(tmp_path_factory.mktemp("only-invalid")).full(invalid=True)


@BY_ID
def test_on_invalid_runs_alone_a_claim_is_not_measured(only_invalid, name):
    judgement = EVERY[name](only_invalid)
    assert (judgement.passed, judgement.runs) == (None, ())


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
    started.record |= {"outcome": {"started": True, "said": ""}, "health": made.run(ON_RDS).record["health"]}
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
        ("tuned-login-alone", OURS, 300 / 10),
        ("tuned-dashboard-alone", OURS, 300 / 8),
        ("tuned-search-alone", OURS, 300 / 0.5),
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


@pytest.mark.parametrize(("db_ms", "passed"), [(1.5, True), (2.5, False)])
def test_the_summary_is_held_to_its_time_beside_the_other_queries(judge, made, db_ms, passed):
    arms = {name: made.run(name, "reads") for name in ("as-measured-with-summary", BASE, "as-measured-with-separate")}
    for row in arms["as-measured-with-summary"].of("dashboard"):
        row["db_us"] = round(1000 * db_ms)
    judgement = judge("summary-answers", *arms.values())
    assert (judgement.passed, judgement.effect) == (passed, pytest.approx(db_ms))
    assert "by one aggregated statement" in judgement.evidence
    assert "by separate ones" in judgement.evidence


@pytest.mark.parametrize(("slow", "passed"), [(0, True), (2, False)])
def test_mixed_searches_are_held_to_their_p95(judge, made, slow, passed):
    run = made.run("as-measured-with-trigram", "reads")
    for place, row in enumerate(run.of("search")):
        row["latency_us"] = 50_000 if place >= len(run.of("search")) - slow else 5_000
    assert judge("trigram-search", run).passed is passed


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


@pytest.mark.parametrize(("slower", "passed"), [(1.24, True), (1.26, False)])
def test_the_tuned_burst_has_to_be_eight_times_faster(judge, made, slower, passed):
    judgement = judge("tuned-burst", made.run(BASE), made.run(OURS, slower=slower))
    assert judgement.passed is passed
    assert judgement.effect == pytest.approx(10 / slower)


def test_the_tuned_burst_carries_the_runs_of_both_arms(full):
    judgement = EVERY["tuned-burst"](full)
    assert [(run.deployment, run.scenario) for run in judgement.runs] == [(BASE, "burst-50"), (OURS, "burst-50")]
    durations_s = [measures.makespan_s(run) for run in judgement.runs]
    assert judgement.effect == pytest.approx(durations_s[0] / durations_s[1])
    assert judgement.effect == pytest.approx(10)


@pytest.mark.parametrize("deployment", [BASE, OURS])
def test_one_arm_alone_gives_no_speedup(made, deployment):
    experiment = made.experiment(made.run(deployment))
    assert claims.speedup(experiment) is None
    assert EVERY["tuned-burst"](experiment).passed is None


@pytest.mark.parametrize(("deployment", "passed"), [(OURS, False), (BASE, True)])
def test_only_an_answer_of_tuned_breaks_the_success_of_tuned(judge, made, deployment, passed):
    runs = {name: made.run(name) for name in (BASE, OURS)}
    runs[deployment].rows[0]["ok"] = False
    assert judge("tuned-success", *runs.values()).passed is passed


@pytest.mark.parametrize("how", ["lost", "doubled"])
def test_one_scan_that_is_lost_or_there_twice_fails(judge, made, how):
    run = made.run(OURS, "sustained-100-write", block=1)
    run.record["writes"][how] = 1
    judgement = judge("tuned-nothing-lost", made.run(OURS, "sustained-100-write"), run)
    assert judgement.passed is False
    assert judgement.effect == (how == "lost")


def test_scans_that_were_not_looked_for_are_not_measured(judge, made):
    run = made.run(OURS, "sustained-100-write")
    del run.record["writes"]
    assert judge("tuned-nothing-lost", run).passed is None


@pytest.mark.parametrize(
    ("started", "said", "evidence"),
    [
        (True, "", "it started"),
        (True, "over the connection budget", "over the connection budget"),
        (False, "password authentication failed", "password authentication failed"),
    ],
)
def test_pools_that_start_or_fail_for_another_reason_were_not_refused(judge, made, started, said, evidence):
    run = made.run("as-advised-at-default", "start")
    run.record["outcome"] = {"started": started, "said": said}
    judgement = judge("budget-refusal", run)
    assert (judgement.passed, judgement.evidence) == (False, evidence)


def test_the_caches_are_in_force_only_if_the_measured_set_up_has_hits(made):
    without = claims.caches_in_force(made.experiment(made.run(), made.run("as-claimed"), name="without"))
    assert (without.passed, without.effect) == (False, 0.0)
    assert without.evidence == "0 cache hits at 50 users in what was measured; 100 where the caches are in force"
    run = made.run()
    run.of("search")[0]["cache"] = "hit"
    assert claims.caches_in_force(made.experiment(run, name="with")).passed is True
    assert claims.caches_in_force(made.experiment(made.run("tuned"), name="neither")).passed is None
