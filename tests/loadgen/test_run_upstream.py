"""A run whose users ask a carrier, on threads and on an event loop: both let as many wait as there are users."""

import json
from pathlib import Path

import pandas as pd
import pytest

USERS = 5
OPTIONS = ("--scenario", f"upstream-{USERS}", "--scale", "small", "--duration", "2", "--warmup", "1")


@pytest.fixture(scope="module", params=["tuned", "tuned-with-gevent", "async-quart"])
def directory(request, command):
    finished = command.run("run", "--deployment", request.param, *OPTIONS)
    assert finished.returncode in (0, 3), finished.stderr  # a busy machine sends late, and the run is not valid
    return Path(finished.stdout.splitlines()[-1])


def test_all_users_wait_for_the_carrier_at_once_beside_light_reads(directory, command):
    rows = pd.read_parquet(directory / "requests.parquet")
    record = json.loads((directory / "run.json").read_text())
    gates = {gate["name"]: gate["passed"] for gate in record["gates"]}
    assert record["status"] == "complete"
    assert all(passed for name, passed in gates.items() if "rows" in name or "witness" in name), gates
    assert rows["ok"].all()
    assert set(rows["endpoint"]) == {"login", "shipment", "dashboard"}
    shipments = rows[rows["endpoint"] == "shipment"]
    assert set(shipments["user"]) == set(range(USERS))
    assert record["upstream"] == {"answer_ms": 1000.0, "requests": len(shipments), "most_at_once": USERS}
    assert (shipments["latency_us"] >= 1_000_000).all()
    assert (shipments["db_calls"] == 1).all(), "the account is looked up before"
    assert "upstream_url" not in record["deployment"]["settings"]
    assert record["deployment"]["settings"]["upstream_timeout_ms"] > record["upstream"]["answer_ms"]
    assert command.processes() == []


def test_the_readings_have_the_carriers_cpu(directory):
    readings = pd.read_parquet(directory / "process.parquet")
    carrier = readings[readings["role"] == "upstream"]
    assert len(carrier) > 4
    assert set(carrier["processes"].dropna()) == {1}
