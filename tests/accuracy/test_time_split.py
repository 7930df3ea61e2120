"""The time split of requests to an application with known sleeps, exact to 2 ms at the median."""

import json
from contextlib import closing
from pathlib import Path
from statistics import median
from time import perf_counter

import pandas as pd
import pytest

from loadgen.application import serve
from workbench.endpoints import READS

from . import slowed_app

pytestmark = pytest.mark.exclusive

SLEEPS_MS = {"queue": 30.0, "pool": 20.0, "db": 40.0}
NONE_MS = dict.fromkeys(SLEEPS_MS, 0.0)
ALLOWED_MS = 2.0
REPEATS = 3
ENDPOINTS = list(READS)


@pytest.fixture
def split(settings, command, tmp_path, monkeypatch):
    """Measure the times of requests in ms, with these sleeps in the application."""

    def measure(sleeps_ms):
        monkeypatch.setenv(slowed_app.VARIABLE, ",".join(f"{name}={ms}" for name, ms in sleeps_ms.items()))
        with serve(settings, tmp_path / "gunicorn.log", wsgi_app=slowed_app.WSGI_APP) as served:
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


def slept_ms(server, database):
    """By how much PostgreSQL's sleep lengthens a statement for its client, on this machine.

    PostgreSQL sleeps for whole milliseconds, and for one more where some of it is left; then it and its client wake up.
    """

    def taken_ms(cursor, sleep_ms):
        start_s = perf_counter()
        cursor.execute("SELECT pg_sleep(%s)", (sleep_ms / 1000,))
        return 1000 * (perf_counter() - start_s)

    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        pairs = [(taken_ms(cursor, SLEEPS_MS["db"]), taken_ms(cursor, 0)) for _ in range(25)]
    with_ms, without_ms = zip(*pairs, strict=True)
    return median(with_ms) - median(without_ms)


def test_split_shows_each_sleep_in_its_own_part(split, server, database):
    """With and without sleeps in turn, because a machine has slow seconds."""
    expected_ms = SLEEPS_MS | {
        "pool": 2 * SLEEPS_MS["pool"],  # the account is looked up with a connection before the endpoint's
        "db": slept_ms(server, database),
    }
    repeats = [(split(SLEEPS_MS), split(NONE_MS)) for _ in range(REPEATS)]
    with_ms, without_ms = (pd.concat(rows).groupby("endpoint").median() for rows in zip(*repeats, strict=True))
    added_ms = with_ms - without_ms
    for endpoint in ENDPOINTS:
        added = added_ms.loc[endpoint]
        assert {name: added[name] for name in SLEEPS_MS} == pytest.approx(expected_ms, abs=ALLOWED_MS)
        # And in no other part: the totals are longer by the sleeps only.
        assert added["app"] == pytest.approx(added["pool"] + added["db"], abs=ALLOWED_MS)
        assert added["latency"] == pytest.approx(added["queue"] + added["app"], abs=ALLOWED_MS)
