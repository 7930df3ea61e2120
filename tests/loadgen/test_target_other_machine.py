"""A target on another machine: here a network namespace of its own, at the other end of a virtual wire."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

HERE, THERE, PORT = "192.0.2.1", "192.0.2.2", 8000
NAMESPACES = ("unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "--mount-proc", "--kill-child")
LOCUSTFILE = """
from locust import FastHttpUser, task

class Visitor(FastHttpUser):
    @task
    def look(self):
        self.client.get("/", name="page")
"""
# It logs for each request whether it carries an instant of the sender's clock.
SERVER = """
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        timing = "timed" if self.headers["X-Request-Start"] else "untimed"
        # One write: each connection has its own thread, and print makes several of a line.
        os.write(1, f"{timing} {self.headers['X-Request-ID']}\\n".encode())
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass

ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Page).serve_forever()
"""
# Creates the wire, serves a page at its far end, and runs the rest of the command line at the near end.
WIRE = f"""
set -e
ip link set lo up
unshare --net sleep 120 & far=$!
until [ "$(readlink /proc/$far/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
ip link add near type veth peer name far netns $far
ip address add {HERE}/30 dev near
ip link set near up
nsenter --target $far --net sh -c "ip address add {THERE}/30 dev far && ip link set far up"
nsenter --target $far --net "$1" "$2/server.py" {THERE} {PORT} > "$2/log" 2>&1 &
shift 2
"$@"
"""


def namespaces_allowed():
    if not all(map(shutil.which, ("unshare", "nsenter", "ip"))):
        return False
    return subprocess.run([*NAMESPACES, "true"], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not namespaces_allowed(), reason="this machine allows no private namespaces")


@pytest.fixture
def run_far_away(command, tmp_path):
    """Runs the command with a target at the other end of the wire."""
    (tmp_path / "users.py").write_text(LOCUSTFILE)
    (tmp_path / "server.py").write_text(SERVER)

    def run(*arguments):
        target = ("--target", f"http://{THERE}:{PORT}", "--locustfile", str(tmp_path / "users.py"))
        load = ("--scenario", "open-20", "--duration", "2", "--warmup", "0")
        before = (*NAMESPACES, "bash", "-c", WIRE, "wire", sys.executable, str(tmp_path))
        finished = command.run("run", *target, *load, *arguments, before=before)
        return finished, (tmp_path / "log").read_text().splitlines()

    return run


def test_an_unconfirmed_target_gets_no_request(run_far_away):
    finished, logged = run_far_away()
    assert (finished.returncode, finished.stdout, logged) == (2, "", [])
    assert f"{THERE} is not this machine" in finished.stderr
    assert f"--confirm-target {THERE}" in finished.stderr


def test_a_confirmed_target_is_put_under_load(run_far_away):
    finished, logged = run_far_away("--confirm-target", THERE)
    assert finished.returncode in (0, 3), finished.stderr  # 3: not valid, for one reason only, see below
    directory = Path(finished.stdout.splitlines()[-1])
    rows = pd.read_parquet(directory / "requests.parquet")
    assert rows["ok"].all()
    assert len(rows) == len(logged) - 1  # the first checked whether it is up
    # Its clock is another one: a request carries its name, but not the instant of its send.
    assert set(logged[1:]) == {f"untimed {row.user}-{row.sequence}" for row in rows.itertuples()}
    record = json.loads((directory / "run.json").read_text())
    assert record["status"] == "complete"
    # Beside other tests the generator may be late; anything else would be wrong.
    assert [reason for reason in record["reasons"] if "dispatch lag" not in reason] == []
