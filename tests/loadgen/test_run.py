import json
from pathlib import Path

import pandas as pd
import pytest

from loadgen.accounts import PASSWORD
from loadgen.dataset import SCALES
from loadgen.deployments import CORES
from workbench.request_schema import DURATIONS


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


def test_the_command_ends_well_and_prints_the_directory(command, finished):
    assert finished.returncode == 0, finished.stderr
    (printed,) = finished.stdout.splitlines()
    assert printed.endswith("-tuned-burst-25")
    assert Path(printed) in command.runs()
    assert "Traceback" not in finished.stderr


def test_nothing_is_left_behind(command, finished, directory):
    assert command.processes() == []
    assert {path.name for path in directory.iterdir()} == {
        "database.parquet", "generator-0.json", "gunicorn.log", "locust.log",
        "pool.parquet", "process.parquet", "requests.parquet", "run.json", "valkey.log",
    }  # fmt: skip


def test_every_request_has_its_row(requests):
    assert len(requests) == 75
    assert requests["endpoint"].value_counts().to_dict() == {"login": 25, "dashboard": 25, "search": 25}
    assert set(requests["user"]) == set(range(25))
    assert requests["ok"].all()
    assert requests["error"].isna().all()
    assert set(requests["status"]) == {200, 302}


def test_every_row_has_the_servers_times(requests):
    assert requests[[*DURATIONS, "db_calls", "cache", "worker"]].notna().all(axis=None)
    assert (requests["queue_us"] + requests["app_us"] <= requests["latency_us"]).all()
    parts = [name for name in DURATIONS if name not in ("queue_us", "app_us")]
    assert (requests[parts].sum(axis=1) <= requests["app_us"] + len(parts)).all()
    logins = requests[requests["endpoint"] == "login"]
    assert (logins["hash_us"] > 0).all()
    assert set(requests["worker"]) <= set(range(CORES))


def test_a_burst_begins_at_once(requests):
    first = requests[requests["endpoint"] == "login"]
    assert first["scheduled_us"].nunique() == 1
    assert (requests["response_us"] >= requests["latency_us"]).all()


def test_the_record_says_what_was_run(record):
    assert (record["status"], record["valid"], record["reasons"]) == ("complete", True, [])
    assert record["rows"] == 75
    assert record["deployment"]["name"] == "tuned"
    assert record["scenario"]["name"] == "burst-25"
    assert record["dataset"]["counts"] == SCALES["small"].counts()
    assert record["started"] < record["ended"]
    assert record["environment"]["postgresql"].startswith("18")


def test_the_record_holds_no_secret(command, directory, record):
    written = (directory / "run.json").read_text()
    assert (command.data / "postgres" / "password").read_text() not in written
    assert PASSWORD not in written
    assert "secret_key" not in written
    assert "redis://" not in written
    assert str(command.data) not in written
    assert record["deployment"]["settings"]["database_url"].startswith("postgresql://tracetrack:***@127.0.0.1:")


def test_the_record_tells_of_the_store_and_what_the_workers_counted(record, requests):
    assert record["store"].startswith("Valkey ")
    outcomes = requests.loc[requests["endpoint"] == "search", "cache"].value_counts()
    counted = {outcome: record["counters"][f"cache_search_{outcome}"] for outcome in ("hit", "miss", "stale")}
    assert counted == {outcome: outcomes.get(outcome, 0) for outcome in counted}
    assert record["counters"]["store_failures"] == 0
    assert 0 < record["generator"]["cpu_ms"] < 60_000


def test_the_readings_cover_all_processes(directory):
    process = pd.read_parquet(directory / "process.parquet")
    assert set(process["role"]) - {"machine"} == {"server", "generator", "database", "store"}
    process = process[process["role"] != "machine"]
    database = pd.read_parquet(directory / "database.parquet")
    calls = database[(database["source"] == "statement") & (database["metric"] == "calls")]
    # 25 logins, and one for each connection that was opened before the first of them.
    assert calls.loc[calls["name"].str.contains("password_hash, role"), "value"].sum() == 25 + 3 * CORES


def test_the_pools_were_read(directory):
    pool = pd.read_parquet(directory / "pool.parquet")
    assert set(pool["worker"]) == set(range(CORES))
    assert (pool["limit"] == 3).all()
    assert (pool["checked_out"] <= pool["open"]).all()
    assert (pool["idle"] == pool["open"] - pool["checked_out"]).all()
    last = pool.sort_values("at_us").groupby("worker").last()
    assert last["creates"].sum() == 3 * CORES
    assert last["server_connections"].max() == last["open"].sum()
    assert last["uses"].sum() >= 25


def test_round_trips_are_recorded(requests):
    """A login asks once; a connection that is not fresh is asked first whether it lives."""
    logins = requests[requests["endpoint"] == "login"]
    assert set(logins["db_round_trips"]) <= {1, 2}
    hits = requests[requests["cache"] == "hit"]
    assert (hits["db_round_trips"] == 0).all()


@pytest.fixture(scope="module")
def run(command):
    """Runs a deployment under a scenario on small data: its record and its directory."""

    def execute(deployment, scenario):
        done = command.run("run", "--deployment", deployment, "--scenario", scenario, "--scale", "small")
        assert done.returncode == 0, done.stderr
        directory = Path(done.stdout.splitlines()[-1])
        return json.loads((directory / "run.json").read_text()), directory

    return execute


def test_a_refusal_to_start_is_an_outcome(run):
    record, _ = run("as-advised-at-default", "start")
    assert (record["status"], record["valid"], record["rows"]) == ("complete", True, 0)
    assert record["outcome"]["started"] is False
    assert "8 workers × (40 + 50) = 720 connections" in record["outcome"]["message"]


def test_a_database_under_an_rds_name_and_without_a_table(run):
    record, directory = run("as-measured-on-rds", "missing-table")
    assert record["valid"]
    assert record["health"]["pool_profile"]["name"] == "rds"
    assert record["deployment"]["settings"]["pool_size"] == 40
    requests = pd.read_parquet(directory / "requests.parquet")
    assert requests["ok"].all()
    assert len(requests) == 15
    told = [json.loads(line) for line in (directory / "gunicorn.log").read_text().splitlines() if line.startswith("{")]
    asked = requests[requests["endpoint"] == "dashboard"]
    names = {f"{user}-{sequence}" for user, sequence in zip(asked["user"], asked["sequence"], strict=True)}
    assert {line["request_id"] for line in told} == names


def test_the_advice_runs_with_sessions_and_cache_in_the_store(run):
    record, directory = run("as-advised", "missing-table")
    assert record["valid"]
    assert record["health"]["store"] == "ok"
    requests = pd.read_parquet(directory / "requests.parquet")
    assert requests["ok"].all()
    # What lacks a table is kept for a second, in the store of all workers.
    assert record["counters"]["cache_dashboard_miss"] + record["counters"]["cache_dashboard_hit"] == 5
    assert record["counters"]["cache_search_miss"] == 1


def test_a_far_database_costs_its_round_trips(run):
    record, directory = run("cross-region", "reads")
    assert record["valid"]
    requests = pd.read_parquet(directory / "requests.parquet").query("phase == 'measure'")
    assert set(requests["db_round_trips"]) == {4, 5}
    waited_us = requests["db_us"] + requests["pool_us"]
    assert (waited_us >= 28_000 * requests["db_round_trips"]).all()
    assert "proxy" in set(pd.read_parquet(directory / "process.parquet")["role"])


def test_the_list_names_everything(command):
    listed = command.run("list")
    assert listed.returncode == 0
    for name in ("as-measured", "tuned", "burst-25", "sustained-100", "small", "production", "quick"):
        assert name in listed.stdout
