"""What the load generator says is true: its figures against the log of a server with known service times, and theory.

The machine has to be free: an answer that waits for a core is no error of the generator's, and no time of the server's.
"""

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from . import log, server, theory
from .delays import FIXED_MS

pytestmark = pytest.mark.alone

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
FIXED_ONLY = """
from locust import FastHttpUser, task

class Visitor(FastHttpUser):
    @task
    def fixed(self):
        self.client.get("/fixed", name="fixed")
"""
SHARES = (0.5, 0.95, 0.99, 0.999)
RATE = 200  # of three paths, so that no single answer decides the quantile at 99.9 %
CALM_MS = 2.0
STALL_S, RUN_S, WAITING = 1.5, 20.0, 3


def allowed_ms(known_ms):
    return max(0.02 * known_ms, 1.0)


def quantile(values, share):
    return float(np.quantile(values, share, method="inverted_cdf"))


@dataclass(frozen=True)
class Measured:
    """What the generator measured, joined with what the server logged of the same requests; times in ms."""

    record: dict
    rows: pd.DataFrame
    printed: str

    def of(self, path):
        return self.rows[self.rows["path"] == path]

    def server_late_ms(self):
        """At p99.9, by how much an answer came later than the server drew."""
        return quantile(self.rows["logged_ms"] - self.rows["drawn_ms"], 0.999)


@pytest.fixture(scope="module")
def measure(command, tmp_path_factory):
    def run(scenario, *arguments, locustfile=LOCUSTFILE, options=()):
        written = tmp_path_factory.mktemp("truth") / "log.csv"
        with server.running(written, "--seed", "4", *options) as (_, port):
            target = ("--target", f"http://127.0.0.1:{port}", "--locustfile", str(locustfile))
            finished = command.run("run", *target, "--scenario", scenario, *arguments, "--seed", "3")
        assert finished.returncode == 0, finished.stderr
        directory = Path(finished.stdout.splitlines()[-1])
        return Measured(
            json.loads((directory / "run.json").read_text()),
            _joined(directory, written),
            written.with_suffix(".out").read_text(),
        )

    return run


def _joined(directory, written):
    rows = pd.read_parquet(directory / "requests.parquet")
    rows["id"] = rows["user"].astype(str) + "-" + rows["sequence"].astype(str)
    for name in ("latency", "response", "start", "scheduled"):
        rows[f"{name}_ms"] = rows[f"{name}_us"] / 1000
    logged = pd.DataFrame([entry for entry in log.read(written) if entry.id])
    logged["logged_ms"] = (logged["answered_ns"] - logged["received_ns"]) / 1e6
    joined = rows.merge(logged, on="id", validate="one_to_one")
    assert len(joined) == len(rows) == len(logged)
    return joined


@pytest.fixture(scope="module")
def steady(measure):
    """The calmest of up to three: where the server itself was held up, the generator on the same cores was too."""
    made = []
    while len(made) < 3 and not any(one.server_late_ms() < CALM_MS for one in made):
        made.append(measure(f"open-{RATE}", "--duration", "30", "--warmup", "1"))
    return min(made, key=Measured.server_late_ms)


def test_the_run_is_valid_and_has_every_request(steady):
    assert (steady.record["status"], steady.record["valid"]) == ("complete", True), steady.record["reasons"]
    assert len(steady.rows) == pytest.approx(31 * RATE, abs=4 * (31 * RATE) ** 0.5)
    assert steady.rows["ok"].all()


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("path", ["/fixed", "/exponential", "/two-point"])
@pytest.mark.parametrize("name", ["latency_ms", "response_ms"])
def test_the_quantiles_are_those_of_the_servers_log(steady, path, share, name):
    rows = steady.of(path)
    logged_ms = quantile(rows["logged_ms"], share)
    assert quantile(rows[name], share) == pytest.approx(logged_ms, abs=allowed_ms(logged_ms))


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("path", ["/fixed", "/exponential", "/two-point"])
def test_the_quantiles_are_those_of_theory(steady, path, share):
    rows = steady.of(path)
    if path == "/exponential" and len(rows) * (1 - share) < theory.FEWEST_BEYOND:
        pytest.skip("too few requests lie beyond this quantile for its error to be known")
    expected_ms = theory.quantile(path, share)
    error_ms = 3 * theory.standard_error_ms(path, share, len(rows))
    assert quantile(rows["latency_ms"], share) == pytest.approx(expected_ms, abs=error_ms + allowed_ms(expected_ms))


@pytest.fixture(scope="module")
def fixed_only(tmp_path_factory):
    path = tmp_path_factory.mktemp("users") / "fixed.py"
    path.write_text(FIXED_ONLY)
    return path


STALL = ("--stall-after", "6", "--stall", str(STALL_S))


@pytest.fixture(scope="module")
def stalled(measure, fixed_only):
    """50 requests a second are due whatever the server does; and apart from it users who wait for each answer."""
    length = ("--duration", str(RUN_S), "--warmup", "0")
    due = measure("open-50", *length, "--arrivals", "constant", "--users", "200", locustfile=fixed_only, options=STALL)
    waiting = measure(f"burst-{WAITING}", *length, locustfile=fixed_only, options=STALL)
    return due, waiting


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 0.97, 0.99, 0.999])
def test_a_stall_is_seen_by_all_who_were_due(stalled, share):
    """Corrected: from when a request was due. Uncorrected: who waits sends nothing in the stall, and hardly sees it."""
    due, waiting = stalled
    corrected_ms = theory.corrected_quantile_ms(share, FIXED_MS, 1000 * STALL_S, 1000 * RUN_S)
    rate_per_s = 1000 / waiting.rows["latency_ms"].median()
    uncorrected_ms = theory.uncorrected_quantile_ms(share, FIXED_MS, 1000 * STALL_S, 1000 * RUN_S, rate_per_s)
    seen = quantile(due.rows["response_ms"], share), quantile(waiting.rows["latency_ms"], share)
    print(f"p{100 * share:g}: due {seen[0]:.1f} ({corrected_ms:.1f}), waiting {seen[1]:.1f} ({uncorrected_ms:.1f}) ms")
    # What has piled up is read one after the other, up to 0.1 ms each; and a request is due each 20 ms.
    assert seen[0] == pytest.approx(corrected_ms, abs=allowed_ms(corrected_ms) + 0.1 * 50 * STALL_S + 20)
    # Who is served when the stall begins waits for less than the whole of it, by up to a service time.
    less_ms = FIXED_MS if uncorrected_ms > FIXED_MS else 0
    assert seen[1] == pytest.approx(uncorrected_ms, abs=allowed_ms(uncorrected_ms) + less_ms)


def test_a_stall_of_the_server_does_not_hold_up_the_generator(stalled):
    due, _ = stalled
    assert due.record["valid"], due.record["reasons"]
    assert due.record["generator"]["unsent"] == {"warmup": 0, "measure": 0}
    assert (due.rows["start_ms"] - due.rows["scheduled_ms"]).quantile(0.99) < 5


def test_a_generator_that_stood_still_says_so(command, tmp_path, fixed_only):
    """Its own latencies look well; those from when requests were due, and the gate, tell."""
    before = command.runs()
    with server.running(tmp_path / "log.csv") as (_, port):
        target = ("--target", f"http://127.0.0.1:{port}", "--locustfile", str(fixed_only))
        with command.start("run", *target, "--scenario", "open-50", "--duration", "8", "--warmup", "0") as process:
            (stream,) = command.streams(before)
            sender = int(stream.stem.removeprefix("requests-"))
            os.kill(sender, signal.SIGSTOP)
            time.sleep(1.0)
            os.kill(sender, signal.SIGCONT)
            output, errors = process.communicate(timeout=60)
    directory = Path(output.splitlines()[-1])
    record = json.loads((directory / "run.json").read_text())
    rows = pd.read_parquet(directory / "requests.parquet")
    assert "dispatch lag p99" in record["reasons"][0]
    assert "This run is not valid: dispatch lag p99" in errors
    assert record["status"] == "complete"
    assert quantile(rows["response_us"], 0.95) > 300_000 > quantile(rows["latency_us"], 0.8)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/reset", "connection reset"), ("/rubbish", "not HTTP"), ("/error", "status 500"),
        ("/slow-header", None), ("/empty", None),
    ],
)  # fmt: skip
def test_faults_are_told_for_what_they_are(command, tmp_path, path, error):
    (tmp_path / "users.py").write_text(FIXED_ONLY.replace("/fixed", path))
    with server.running(tmp_path / "log.csv") as (_, port):
        target = ("--target", f"http://127.0.0.1:{port}", "--locustfile", str(tmp_path / "users.py"))
        finished = command.run("run", *target, "--scenario", "open-20", "--duration", "2", "--warmup", "0")
    rows = pd.read_parquet(Path(finished.stdout.splitlines()[-1]) / "requests.parquet")
    assert set(rows["error"].fillna("none")) == {error or "none"}
    if path == "/slow-header":
        assert rows["latency_us"].min() > 200_000
