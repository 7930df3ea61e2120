"""A run from start to end, by the real command: rows, record, readings, and what is left behind."""

import json
from pathlib import Path

import pandas as pd
import pytest

from loadgen.accounts import PASSWORD
from loadgen.dataset import SCALES
from loadgen.deployment import CORES
from workbench import statement_plans
from workbench.request_schema import DURATIONS
from workbench.statement_plans import FILE, MIN_SHARE


@pytest.fixture(scope="module")
def finished(command):
    return command.run("run", "--deployment", "tuned", "--scenario", "burst-25", "--scale", "small")


@pytest.fixture(scope="module")
def directory(finished):
    return Path(finished.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def requests(directory):
    return pd.read_parquet(directory / "requests.parquet")


@pytest.fixture(scope="module")
def record(directory):
    return json.loads((directory / "run.json").read_text())


def test_run_prints_the_directory(command, finished):
    assert finished.returncode == 0, finished.stderr
    (printed,) = finished.stdout.splitlines()
    assert printed.endswith("-tuned-burst-25")
    assert Path(printed) in command.runs()
    assert "Traceback" not in finished.stderr


def test_no_process_is_left_and_the_directory_has_only_the_known_files(command, finished, directory):
    assert command.processes() == []
    assert {path.name for path in directory.iterdir()} == {
        "database.parquet", "generator-0.json", "gunicorn.log", "locust.log", "memory.parquet",
        "plans.json", "pool.parquet", "process.parquet", "requests.parquet", "resources.parquet", "run.json",
        "seal.json", "valkey.log",
    }  # fmt: skip


def test_every_request_has_a_row(requests):
    assert len(requests) == 75
    assert requests["endpoint"].value_counts().to_dict() == {"login": 25, "dashboard": 25, "search": 25}
    assert set(requests["user"]) == set(range(25))
    assert requests["ok"].all()
    assert requests["error"].isna().all()
    assert set(requests["status"]) == {200, 302}


def test_every_row_has_the_times_of_the_server(requests):
    assert requests[[*DURATIONS, "db_calls", "cache", "worker"]].notna().all(axis=None)
    assert (requests["queue_us"] + requests["app_us"] <= requests["latency_us"]).all()
    parts = [name for name in DURATIONS if name not in ("queue_us", "app_us")]
    assert (requests[parts].sum(axis=1) <= requests["app_us"] + len(parts)).all()
    logins = requests[requests["endpoint"] == "login"]
    assert (logins["hash_us"] > 0).all()
    assert set(requests["worker"]) <= set(range(CORES))
    # Each request looks at least its account up, on one of the three connections of its worker.
    assert set(requests["connection"]) <= {1, 2, 3}


def test_all_users_of_a_burst_start_at_one_instant(requests):
    first = requests[requests["endpoint"] == "login"]
    assert first["scheduled_us"].nunique() == 1
    assert (requests["response_us"] >= requests["latency_us"]).all()


def test_the_record_has_the_arm_and_the_environment(record):
    assert (record["status"], record["valid"], record["reasons"]) == ("complete", True, [])
    assert record["rows"] == 75
    assert record["deployment"]["name"] == "tuned"
    assert record["scenario"]["name"] == "burst-25"
    assert record["dataset"]["counts"] == SCALES["small"].counts()
    assert record["started"] < record["ended"]
    assert list(record["stages_s"]) == ["record", "clone", "application", "load", "readings", "stop", "plans", "audit"]
    assert all(0 <= seconds < 60 for seconds in record["stages_s"].values())
    assert record["environment"]["postgresql"].startswith("18")


def test_the_record_has_no_secrets(command, directory, record):
    written = (directory / "run.json").read_text()
    assert (command.data / "postgres" / "password").read_text() not in written
    assert PASSWORD not in written
    assert "secret_key" not in written
    assert "redis://" not in written
    assert str(command.data) not in written
    assert record["deployment"]["settings"]["database_url"].startswith("postgresql://tracetrack_app:***@127.0.0.1:")


def test_the_record_has_the_store_and_the_counters_of_the_workers(record, requests):
    assert record["store"].startswith("Valkey ")
    outcomes = requests.loc[requests["endpoint"] == "search", "cache"].value_counts()
    counted = {outcome: record["counters"][f"cache_search_{outcome}"] for outcome in ("hit", "miss", "stale")}
    assert counted == {outcome: outcomes.get(outcome, 0) for outcome in counted}
    assert record["counters"]["store_failures"] == 0
    assert 0 < record["generator"]["cpu_ms"] < 60_000


def test_readings_cover_all_processes(directory):
    process = pd.read_parquet(directory / "process.parquet")
    assert set(process["role"]) - {"machine"} == {"server", "generator", "database", "store"}
    process = process[process["role"] != "machine"]
    database = pd.read_parquet(directory / "database.parquet")
    calls = database[(database["source"] == "statement") & (database["metric"] == "calls")]
    # 25 logins, and one for each connection that was opened before the first of them.
    assert calls.loc[calls["name"].str.contains("WHERE username ="), "value"].sum() == 25 + 3 * CORES
    # Each of the other requests looks its account up.
    assert calls.loc[calls["name"].str.contains("WHERE id = .* AND active"), "value"].sum() == 50


def test_readings_cover_the_pools(directory):
    pool = pd.read_parquet(directory / "pool.parquet")
    assert set(pool["worker"]) == set(range(CORES))
    assert (pool["limit"] == 3).all()
    assert (pool["checked_out"] <= pool["open"]).all()
    assert (pool["idle"] == pool["open"] - pool["checked_out"]).all()
    last = pool.sort_values("at_us").groupby("worker").last()
    assert last["creates"].sum() == 3 * CORES
    assert last["server_connections"].max() == last["open"].sum()
    assert last["uses"].sum() >= 25


def test_the_statements_of_the_application_have_plans(directory, record):
    plans = statement_plans.read(directory)
    assert all("tracetrack." in plan.statement and plan.nodes and not plan.failure for plan in plans)
    (login,) = [plan for plan in plans if "WHERE username =" in plan.statement]
    assert login.calls == 25 + 3 * CORES
    assert record["stages_s"]["plans"] > 0
    assert record["files"]["plans.json"]["bytes"] == (directory / "plans.json").stat().st_size


def test_the_statements_with_the_most_time_are_executed_without_showing_whose_account_it_was(directory):
    plans = statement_plans.read(directory)
    assert all(plan.is_executed == (plan.share >= MIN_SHARE) for plan in plans)
    (login,) = [plan for plan in plans if "WHERE username =" in plan.statement]
    assert login.is_executed
    assert login.values == {"username": "***"}
    assert login.nodes[0]["Actual Rows"] == 1
    assert ":username::text" in json.dumps(login.nodes)
    assert "user0" not in (directory / FILE).read_text()


def test_round_trips_are_counted(requests):
    """A login takes one statement, and so does the account of a hit; a connection that idled for long is pinged."""
    logins = requests[requests["endpoint"] == "login"]
    assert set(logins["db_round_trips"]) <= {1, 2}
    hits = requests[requests["cache"] == "hit"]
    assert set(hits["db_round_trips"]) <= {1, 2}


@pytest.fixture(scope="module")
def run(command):
    """Runs a deployment under a scenario on small data; returns record and directory."""

    def execute(deployment, scenario):
        finished = command.run("run", "--deployment", deployment, "--scenario", scenario, "--scale", "small")
        assert finished.returncode == 0, finished.stderr
        directory = Path(finished.stdout.splitlines()[-1])
        return json.loads((directory / "run.json").read_text()), directory

    return execute


def test_a_refused_start_is_an_outcome(run):
    record, _ = run("as-advised-at-default", "start")
    assert (record["status"], record["valid"], record["rows"]) == ("complete", True, 0)
    assert record["outcome"]["started"] is False
    assert "8 workers × (40 + 50) = 720 connections" in record["outcome"]["message"]


def test_a_database_under_an_rds_name_and_without_a_table_is_served(run):
    record, directory = run("as-measured-on-rds", "missing-table")
    assert record["valid"]
    assert record["health"]["pool_profile"]["name"] == "rds"
    assert record["deployment"]["settings"]["pool_size"] == 40
    requests = pd.read_parquet(directory / "requests.parquet")
    assert requests["ok"].all()
    assert len(requests) == 15
    logged = [
        json.loads(line) for line in (directory / "gunicorn.log").read_text().splitlines() if line.startswith("{")
    ]
    dashboards = requests[requests["endpoint"] == "dashboard"]
    names = {f"{user}-{sequence}" for user, sequence in zip(dashboards["user"], dashboards["sequence"], strict=True)}
    assert {line["request_id"] for line in logged} == names


def test_the_published_advice_has_sessions_and_cache_in_the_store(run):
    record, directory = run("as-advised", "missing-table")
    assert record["valid"]
    assert record["health"]["store"] == "ok"
    requests = pd.read_parquet(directory / "requests.parquet")
    assert requests["ok"].all()
    # An answer that lacks a table is cached for a second, in the store of all workers.
    assert record["counters"]["cache_dashboard_miss"] + record["counters"]["cache_dashboard_hit"] == 5
    assert record["counters"]["cache_search_miss"] == 1


def test_a_distant_database_costs_its_round_trips(run):
    record, directory = run("cross-region", "reads")
    assert record["valid"]
    requests = pd.read_parquet(directory / "requests.parquet").query("phase == 'measure'")
    assert set(requests["db_round_trips"]) == {6, 7}
    waited_us = requests["db_us"] + requests["pool_us"]
    assert (waited_us >= 28_000 * requests["db_round_trips"]).all()
    assert "proxy" in set(pd.read_parquet(directory / "process.parquet")["role"])


def test_list_names_everything(command):
    listed = command.run("list")
    assert listed.returncode == 0
    for name in ("as-measured", "tuned", "burst-25", "sustained-100", "small", "production", "quick"):
        assert name in listed.stdout
