"""The token of a run: sent to the target, to nobody else, and written nowhere."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import psutil
import pytest

from workbench.paths import REPOSITORY
from workbench.polling import attempts

TOKEN = "a-token-of-the-tests"
# Sends a request with each of Locust's clients to the target, which redirects to another host where it is asked to.
SENDER = """
import json, sys
from locust import FastHttpUser, HttpUser
from locust.env import Environment
from loadgen.generator import run_token, timestamps

class Fast(FastHttpUser):
    host = sys.argv[1]

class Slow(HttpUser):
    host = sys.argv[1]

local = {"true": run_token.is_local_host, "false": lambda host: False}[sys.argv[2]]
run_token.is_local_host = timestamps.is_local_host = local
environment = Environment(host=sys.argv[1], user_classes=[Fast, Slow])
timestamps.install()
run_token.install(environment)
for user_class in (Fast, Slow):
    user = user_class(environment)
    user.client.get("/plain")
    user.client.get("/redirect")
"""


class Echo(BaseHTTPRequestHandler):
    """Keeps the token of each request with the host and the path that it was sent to."""

    seen: list

    def do_GET(self):
        self.seen.append((self.headers["Host"].split(":")[0], self.path, self.headers["X-Run-Token"]))
        self.send_response(302 if self.path == "/redirect" else 200)
        if self.path == "/redirect":
            self.send_header("Location", f"http://127.0.0.2:{self.server.server_port}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def sent():
    """Sends the requests with a token in the environment; what the server saw."""

    def send(token, all_hosts_are_local):
        handler = type("Handler", (Echo,), {"seen": []})
        with ThreadingHTTPServer(("", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                command = [sys.executable, "-c", SENDER, f"http://127.0.0.1:{server.server_port}", all_hosts_are_local]
                environ = {**os.environ, "TRACETRACK_RUN_TOKEN": token}
                finished = subprocess.run(command, env=environ, cwd=REPOSITORY, capture_output=True, text=True)
            finally:
                server.shutdown()
        return finished, handler.seen

    return send


def test_each_client_sends_the_token_to_the_target_and_to_no_other_host(sent):
    finished, seen = sent(TOKEN, "false")
    assert finished.returncode == 0, finished.stderr
    target = [("127.0.0.1", "/plain", TOKEN), ("127.0.0.1", "/redirect", TOKEN), ("127.0.0.2", "/elsewhere", None)]
    assert seen == target * 2


def test_every_address_of_this_machine_gets_the_token(sent):
    _, seen = sent(TOKEN, "true")
    assert {token for _, _, token in seen} == {TOKEN}


def test_without_a_token_no_header_is_sent(sent):
    _, seen = sent("", "true")
    assert len(seen) == 6
    assert {token for _, _, token in seen} == {None}


@pytest.mark.parametrize("token", ["short", "has spaces in between it", "line\r\nX-Other: 1234567890", "x" * 201])
def test_a_token_that_cannot_be_sent_is_refused_in_one_line(sent, token):
    finished, seen = sent(token, "true")
    assert (finished.returncode, seen) == (1, [])
    assert finished.stderr == (
        "TRACETRACK_RUN_TOKEN must have 16 to 200 letters, digits, _ or -; set it to the application's own\n"
    )


def test_a_run_times_its_own_requests_and_writes_its_token_nowhere(command):
    before = command.runs()
    load = (
        "--deployment",
        "tuned",
        "--scale",
        "small",
        "--scenario",
        "sustained-2",
        "--duration",
        "3",
        "--warmup",
        "0",
    )
    with command.start("run", *load) as process:
        tokens, lines = _tokens_and_command_lines(process)
        output, errors = process.communicate(timeout=120)
    assert process.returncode in (0, 3), errors
    (directory,) = command.runs() - before
    (token,) = tokens
    assert len(token) >= 32
    written = [path for path in command.data.rglob("*") if path.is_file() and "postgres" not in path.parts]
    assert directory / "run.json" in written
    assert not [path for path in written if token.encode() in path.read_bytes()]
    assert token not in output + errors + "".join(lines)
    assert "run_token" not in json.loads((directory / "run.json").read_text())["deployment"]["settings"]
    assert _has_times(directory)


def _tokens_and_command_lines(process) -> tuple[set[str], list[str]]:
    """The tokens in the environments of the run's processes, once Locust and gunicorn have theirs, and all commands."""
    family = psutil.Process(process.pid)
    for _ in attempts(60, 0.1):
        found: dict[str, set[str]] = {}
        lines = []
        for child in family.children(recursive=True):
            try:
                line, environ = " ".join(child.cmdline()), child.environ()
            except psutil.Error:
                continue
            lines.append(line)
            found.setdefault(environ.get("TRACETRACK_RUN_TOKEN", ""), set()).add(line)
        found.pop("", None)
        commands = "".join(set().union(*found.values()))
        if "gunicorn" in commands and "loadgen.generator" in commands:
            return set(found), lines
    raise AssertionError("no token in any environment")


def _has_times(directory: Path) -> bool:
    rows = pd.read_parquet(directory / "requests.parquet", columns=["app_us", "ok"])
    return bool(rows["ok"].all() and rows["app_us"].notna().all() and len(rows))
