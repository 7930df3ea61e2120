"""Sleeps that were put into queue, pool and database are found there, to 2 ms at the median."""

import json
from pathlib import Path

import pandas as pd
import pytest

from loadgen.application import serve

from . import delayed

pytestmark = pytest.mark.alone

SLEEPS_MS = {"queue": 30.0, "pool": 20.0, "db": 40.0}
NONE_MS = dict.fromkeys(SLEEPS_MS, 0.0)
ALLOWED_MS = 2.0
TURNS = 3
ENDPOINTS = ["dashboard", "search"]


@pytest.fixture
def split(settings, command, tmp_path, monkeypatch):
    """A row's times in ms, with such sleeps in the application."""

    def measure(sleeps_ms):
        monkeypatch.setenv(delayed.VARIABLE, ",".join(f"{name}={ms}" for name, ms in sleeps_ms.items()))
        with serve(settings, tmp_path / "gunicorn.log", wsgi_app=delayed.WSGI_APP) as served:
            finished = command.run("run", "--target", served.url, "--scenario", "reads", "--scale", "small")
        assert finished.returncode == 0, finished.stderr
        directory = Path(finished.stdout.splitlines()[-1])
        assert json.loads((directory / "run.json").read_text())["status"] == "complete"
        rows = pd.read_parquet(directory / "requests.parquet")
        assert rows["ok"].all()
        rows = rows[(rows["phase"] == "measure") & rows["endpoint"].isin(ENDPOINTS)]
        times = rows.set_index("endpoint")[["latency_us", "queue_us", "pool_us", "db_us", "app_us"]] / 1000
        return times.rename(columns=lambda name: name.removesuffix("_us"))

    return measure


def test_sleeps_are_found_where_they_are(split):
    """With and without in turns, as a machine has slow seconds."""
    turns = [(split(SLEEPS_MS), split(NONE_MS)) for _ in range(TURNS)]
    with_ms, without_ms = (pd.concat(rows).groupby("endpoint").median() for rows in zip(*turns, strict=True))
    more_ms = with_ms - without_ms
    for endpoint in ENDPOINTS:
        found = more_ms.loc[endpoint]
        assert {name: found[name] for name in SLEEPS_MS} == pytest.approx(SLEEPS_MS, abs=ALLOWED_MS)
        # And nowhere else: what is longer for them is longer by what was found.
        assert found["app"] == pytest.approx(found["pool"] + found["db"], abs=ALLOWED_MS)
        assert found["latency"] == pytest.approx(found["queue"] + found["app"], abs=ALLOWED_MS)
