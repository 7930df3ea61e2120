"""A run of an overload: few sessions for all users, refusals that all witnesses count, clients that give up."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from loadgen import scenarios

OPTIONS = ("--scenario", "overload-10", "--scale", "small", "--users", "80", "--base-rate", "40", "--duration", "6")


@pytest.fixture(scope="module")
def directory(command):
    finished = command.run("run", "--deployment", "limited", *OPTIONS, "--warmup", "1")
    assert finished.returncode in (0, 3), finished.stderr  # a busy machine sends late, and the run is not valid
    return Path(finished.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def record(directory):
    return json.loads((directory / "run.json").read_text())


@pytest.fixture(scope="module")
def rows(directory):
    return pd.read_parquet(directory / "requests.parquet")


def test_few_users_log_in_beforehand_and_all_others_send_with_their_sessions(rows, record):
    sessions = record["scenario"]["sessions"]
    assert set(rows.loc[rows["phase"] == "start", "user"]) == set(range(sessions))
    successful = rows[rows["ok"] & (rows["endpoint"] != "login") & (rows["user"] >= sessions)]
    assert len(successful) > 50
    assert set(rows.loc[~rows["ok"], "status"].dropna()) == {503}, "a login of one user ends no session of others"


def test_the_rows_show_that_the_multiple_was_offered(rows):
    measured = rows[rows["phase"] == "measure"]
    due_s = (measured["scheduled_us"] - measured["scheduled_us"].min()) / 1e6
    during = due_s.between(5 / 21 * 6, 13 / 21 * 6).sum() / (8 / 21 * 6)
    assert during == pytest.approx(400, rel=0.15)


def test_the_refusals_are_counted_by_all_witnesses(rows, record):
    refused = rows[(rows["status"] == 503) & (rows["db_calls"] == 0)]
    counted = record["counters"]["refused_requests"] + record["counters"]["refused_logins"]
    assert 0 < counted <= len(refused)
    gates = {gate["name"]: gate["passed"] for gate in record["gates"]}
    names = [name for name in gates if "own" in name or "rows" in name]
    assert len(names) >= 5
    assert [name for name in names if gates[name] is False] == []


def printed(program, scenario):
    """What a program prints in a process of its own, as gevent replaces what this one has imported."""
    environ = os.environ | {"TRACETRACK_SCENARIO": json.dumps(scenarios.find(scenario).record())}
    shown = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    return shown.stdout.split()


@pytest.mark.parametrize(("scenario", "seconds"), [("overload-5", "5.0"), ("open-5", "300.0")])
def test_the_users_give_up_after_the_time_of_the_scenario(scenario, seconds):
    program = "from loadgen.generator.tracetrack_users import TraceTrackUser as user; print(user.network_timeout)"
    assert printed(program, scenario) == [seconds]


def test_a_client_that_gave_up_is_a_timeout():
    program = (
        "from loadgen.generator.error_kinds import error_kind\n"
        "from geventhttpclient.useragent import RetriesExceeded\n"
        "print(error_kind(RetriesExceeded('http://127.0.0.1/', 0, original=TimeoutError('timed out'))))"
    )
    assert printed(program, "overload-5") == ["timeout"]
