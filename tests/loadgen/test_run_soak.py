"""A short soak by the real command: what ends for its age is noticed, logged in again, and is no failure."""

import json
from pathlib import Path

import pandas as pd
import pytest

from workbench.arms import FOR_SOAK

DURATION_S = 34  # longer than the longest session
TIMEOUT_S = 240


@pytest.fixture(scope="module")
def directory(command):
    finished = command.run(
        "run", "--deployment", FOR_SOAK, "--scenario", "soak", "--scale", "small", "--duration", str(DURATION_S),
        "--allow-invalid", timeout=TIMEOUT_S,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    return Path(finished.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def requests(directory):
    return pd.read_parquet(directory / "requests.parquet")


def test_no_request_fails_and_the_witnesses_agree(directory, requests):
    assert requests["ok"].all()
    record = json.loads((directory / "run.json").read_text())
    assert record["witnesses"]["application"]["error_responses"] == (requests["status"] == 401).sum()
    assert record["writes"]["lost"] == record["writes"]["doubled"] == 0


def test_session_that_ends_for_its_age_is_followed_by_a_login(requests):
    signed_out = requests[requests["status"] == 401]
    assert len(signed_out) >= 3
    following = {(row.user, row.sequence + 1) for row in signed_out.itertuples()}
    after = requests[[(row.user, row.sequence) in following for row in requests.itertuples()]]
    assert set(after["endpoint"]) == {"login"}


def test_connections_are_replaced_and_abandoned_sessions_removed(directory, requests):
    pool = pd.read_parquet(directory / "pool.parquet").groupby("worker")["recycles"]
    assert (pool.last() - pool.first()).sum() >= 4
    sessions = pd.read_parquet(directory / "resources.parquet")["sessions"].dropna()
    logins = (requests["endpoint"] == "login").sum()
    assert sessions.max() < 110
    assert logins > sessions.iloc[-1] + 10


def test_readings_have_every_resource(directory):
    last = pd.read_parquet(directory / "resources.parquet").iloc[-2]
    assert last.notna().all()
