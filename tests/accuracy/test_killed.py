"""A generator that is killed in mid-run leaves every row but those of its last batch, by the server's own log."""

import json
import os
import signal
import time

import pandas as pd

from loadgen.generator.recorder import FLUSH_EVERY_S

from . import log, server

LOCUSTFILE = """
from locust import FastHttpUser, task

class Visitor(FastHttpUser):
    @task
    def empty(self):
        self.client.get("/empty", name="empty")
"""
HANDED_ON_S = 0.5  # between an answer's end at the server and its row in a batch, on a machine that is busy


def test_every_row_but_the_last_batch_is_there(command, tmp_path):
    (tmp_path / "users.py").write_text(LOCUSTFILE)
    before = command.runs()
    with server.running(tmp_path / "log.csv") as (_, port):
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
    there = set(rows["user"].astype(str) + "-" + rows["sequence"].astype(str))
    answered = [entry for entry in log.read(tmp_path / "log.csv") if entry.id and entry.answered_ns]
    until_ns = killed_ns - (FLUSH_EVERY_S + HANDED_ON_S) * 1e9
    safe = {entry.id for entry in answered if entry.answered_ns < until_ns}
    assert len(safe) > 50
    assert safe <= there <= {entry.id for entry in answered}
    assert json.loads((stream.parent / "run.json").read_text())["status"] == "aborted"
