import json
from pathlib import Path

import pandas as pd
import pytest

from loadgen.accounts import PASSWORD
from loadgen.dataset import SCALES
from loadgen.recorder import DURATIONS


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
        "database.parquet", "generator.json", "gunicorn.log", "locust.log",
        "process.parquet", "requests.parquet", "run.json",
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
    assert set(requests["worker"]) <= {0, 1}


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
    assert str(command.data) not in written
    assert "@" not in record["deployment"]["settings"]["database_url"]


def test_the_readings_cover_all_processes(directory):
    process = pd.read_parquet(directory / "process.parquet")
    assert set(process["role"]) == {"server", "generator", "database"}
    database = pd.read_parquet(directory / "database.parquet")
    calls = database[(database["source"] == "statement") & (database["metric"] == "calls")]
    assert calls.loc[calls["name"].str.contains("password_hash, role"), "value"].sum() == 25


def test_the_list_names_everything(command):
    listed = command.run("list")
    assert listed.returncode == 0
    for name in ("as-measured", "tuned", "burst-25", "sustained-100", "small", "production", "quick"):
        assert name in listed.stdout
