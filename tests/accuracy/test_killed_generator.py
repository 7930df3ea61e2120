"""Rows of a generator that is killed in mid-run, compared with the log of the reference server."""

import json
import os
import signal
import time

import pandas as pd

from loadgen.generator.recorder import FLUSH_EVERY_S

from . import reference_server, server_log

LOCUSTFILE = """
from locust import FastHttpUser, task

class EmptyUser(FastHttpUser):
    @task
    def empty(self):
        self.client.get("/empty", name="empty")
"""
MAX_TRANSFER_S = 0.5  # from the end of a response at the server to its row in a batch, on a busy machine


def test_killed_generator_leaves_every_row_but_the_last_batch(command, tmp_path):
    (tmp_path / "users.py").write_text(LOCUSTFILE)
    before = command.runs()
    with reference_server.running(tmp_path / "log.csv") as (_, port):
        target = ("--target", f"http://127.0.0.1:{port}", "--locustfile", str(tmp_path / "users.py"))
        with command.start("run", *target, "--scenario", "open-100", "--duration", "20", "--warmup", "0") as process:
            (stream,) = command.streams(before)
            time.sleep(2)
            killed_ns = time.monotonic_ns()
            os.kill(int(stream.stem.removeprefix("requests-")), signal.SIGKILL)
            _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"was ended by signal 9 in mid-run: what it sent in its last {FLUSH_EVERY_S} s is lost" in errors

    rows = pd.read_parquet(stream.parent / "requests.parquet")
    recorded = set(rows["user"].astype(str) + "-" + rows["sequence"].astype(str))
    answered = [entry for entry in server_log.read(tmp_path / "log.csv") if entry.id and entry.answered_ns]
    until_ns = killed_ns - (FLUSH_EVERY_S + MAX_TRANSFER_S) * 1e9
    safe = {entry.id for entry in answered if entry.answered_ns < until_ns}
    assert len(safe) > 50
    assert safe <= recorded <= {entry.id for entry in answered}
    assert json.loads((stream.parent / "run.json").read_text())["status"] == "aborted"
