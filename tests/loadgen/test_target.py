"""An application that is already running is put under load, and every trouble with it is told for what it is."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest

from analysis.directories import REPOSITORY
from analysis.problem import Problem
from loadgen import services
from loadgen.target import Target

LOCUSTFILE = """
from locust import FastHttpUser, HttpUser, task

class Fast(FastHttpUser):
    @task
    def look(self):
        self.client.get("/page")

class Slow(HttpUser):
    @task
    def look(self):
        self.client.get("/missing", name="missing")
"""
FAILS_AT_ITS_START = """
from locust import FastHttpUser, task

class Failing(FastHttpUser):
    def on_start(self):
        raise ValueError("my own start")

    @task
    def look(self):
        self.client.get("/page")
"""
SHORT = ("--duration", "2", "--warmup", "0")
LOGIN_PAGE = b"<html><form action=/login></form></html>"


class Pages(BaseHTTPRequestHandler):
    """What an application that somebody else wrote might answer."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(404 if self.path == "/missing" else 200)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(200)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", str(len(LOGIN_PAGE)))
        self.end_headers()
        self.wfile.write(LOGIN_PAGE)

    def log_message(self, *arguments):
        pass


@contextmanager
def listening(handler):
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as pages:
        thread = threading.Thread(target=pages.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{pages.server_address[1]}"
        pages.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def pages():
    with listening(Pages) as url:
        yield url


@pytest.fixture
def locustfile(tmp_path):
    (tmp_path / "mine.py").write_text(LOCUSTFILE)
    return str(tmp_path / "mine.py")


def run(command, url, *arguments, **more):
    return command.run("run", "--target", url, *arguments, **more)


def doubts(said):
    """Why a run is not valid, but for requests that went out late, as they may beside other tests."""
    return [reason for reason in said["reasons"] if "dispatch lag" not in reason]


def directory(finished):
    assert finished.returncode == 0, finished.stderr
    return Path(finished.stdout.splitlines()[-1])


def record(finished):
    return json.loads((directory(finished) / "run.json").read_text())


def rows(finished):
    return pd.read_parquet(directory(finished) / "requests.parquet")


def test_any_locustfile_is_driven_by_an_open_load(command, pages, locustfile):
    """20 arrivals a second for 2 s: each is one task, whichever class is drawn."""
    given = ("--locustfile", locustfile, "--scenario", "open-20", "--arrivals", "constant", *SHORT)
    finished = run(command, pages, *given)
    found = rows(finished)
    assert len(found) == 40
    assert set(found["endpoint"]) == {"GET /page", "missing"}
    assert found["scheduled_us"].diff().dropna().between(49_990, 50_010).all()
    assert (found["error"].dropna() == "status 404").all()
    assert found[["queue_us", "app_us", "worker"]].isna().all(axis=None)
    said = record(finished)
    assert (said["status"], doubts(said), said["locustfile"]) == ("complete", [], "mine.py")
    assert said["deployment"] == {"name": "target", "settings": {"url": pages}}
    assert "× status 404" in finished.stderr


def test_any_locustfile_is_driven_by_a_closed_load(command, pages, locustfile):
    """All at once, one task each; then with think time, each as often as fits."""
    finished = run(command, pages, "--locustfile", locustfile, "--scenario", "burst-8")
    burst, said = rows(finished), record(finished)
    assert not [reason for reason in said["reasons"] if "rows missing" in reason]
    assert len(burst) == burst["user"].nunique() == 8
    assert burst["scheduled_us"].nunique() == 1
    given = ("--locustfile", locustfile, "--scenario", "sustained-4", *SHORT)
    sustained = rows(run(command, pages, *given))
    assert 1 <= len(sustained) <= 12
    assert sustained.groupby("user")["start_us"].diff().dropna().gt(1_000_000).all()


def test_several_processes_share_the_load_and_record_all_of_it(command, pages, locustfile):
    given = ("--locustfile", locustfile, "--scenario", "open-30", "--arrivals", "constant", *SHORT)
    finished = run(command, pages, *given, "--processes", "3")
    found, said = rows(finished), record(finished)
    assert doubts(said) == []
    assert (said["generator"]["processes"], said["generator"]["requests"], len(found)) == (3, 60, 60)
    due = found["scheduled_us"].sort_values().diff().dropna()
    assert due.between(33_300, 33_350).all()
    assert not found.duplicated(["user", "sequence"]).any()


def test_a_login_page_with_200_is_no_success(command, pages):
    given = ("--scenario", "open-20", "--arrivals", "constant", "--users", "6", "--scale", "small")
    finished = run(command, pages, *given, *SHORT)
    kinds = rows(finished)["error"].value_counts(dropna=False)
    assert set(kinds.index) == {"a page where JSON was due", "login answered 200"}
    assert kinds.sum() == 40 + 6  # who comes logs in first
    assert f"46 of 46 requests failed: {kinds.max()} × a page where JSON was due" in finished.stderr
    assert doubts(record(finished)) == []  # what the target did is an outcome


class Rubbish(BaseHTTPRequestHandler):
    """Good enough until it is asked for JSON."""

    def do_GET(self):
        if self.path.startswith("/api"):
            self.wfile.write(b"\x00\x01 what is this?\r\n")
        else:
            self.send_response(200)
            self.end_headers()

    do_POST = do_GET

    def log_message(self, *arguments):
        pass


def test_an_answer_that_is_not_http_is_told_as_such(command):
    with listening(Rubbish) as url:
        finished = run(command, url, "--scenario", "burst-2", "--scale", "small")
    assert "× not HTTP" in finished.stderr
    assert not rows(finished)["ok"].any()


APPLICATION = """
import sys, time
from http.server import HTTPServer, SimpleHTTPRequestHandler
time.sleep(float(sys.argv[2]))
HTTPServer(("127.0.0.1", int(sys.argv[1])), SimpleHTTPRequestHandler).serve_forever()
"""


@contextmanager
def application(port, start_s=0.0):
    arguments = [sys.executable, "-c", APPLICATION, str(port), str(start_s)]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_target_that_is_slow_to_start_is_waited_for(command, locustfile):
    port = services.free_port()
    with application(port, start_s=3.0):
        finished = run(command, f"http://127.0.0.1:{port}", "--locustfile", locustfile, "--scenario", "burst-2")
    assert len(rows(finished)) == 2
    assert rows(finished)["status"].notna().all()


def test_a_target_that_dies_in_mid_run_gives_failures_by_kind(command, locustfile):
    port = services.free_port()
    given = ("--locustfile", locustfile, "--scenario", "open-20", "--duration", "5", "--warmup", "0")
    before = command.runs()
    with application(port) as dying:
        process = command.start("run", "--target", f"http://127.0.0.1:{port}", *given)
        with process:
            (found,) = command.streams(before)
            dying.send_signal(signal.SIGKILL)
            output, errors = process.communicate(timeout=60)
    finished = subprocess.CompletedProcess([], process.returncode, output, errors)
    assert "connection refused" in finished.stderr
    kinds = set(rows(finished)["error"].dropna())
    assert "connection refused" in kinds
    assert doubts(record(finished)) == []  # what the target did is an outcome
    assert found.parent == directory(finished)


def test_a_sender_that_is_killed_is_named_and_the_rows_of_all_are_kept(command, pages, locustfile):
    given = ("--locustfile", locustfile, "--scenario", "open-40", "--duration", "20", "--warmup", "0")
    before = command.runs()
    with command.start("run", "--target", pages, *given, "--processes", "2") as process:
        streams = command.streams(before, 2)
        os.kill(int(streams[1].stem.removeprefix("requests-")), signal.SIGKILL)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (1, "")
    (said,) = [line for line in errors.splitlines() if line.startswith("Error: ")]
    assert "of the 2 of Locust (id " in said
    assert "was ended by signal 9 in mid-run: what it sent in its last 0.5 s is lost" in said
    (made,) = command.runs() - before
    kept = json.loads((made / "run.json").read_text())
    assert (kept["status"], kept["valid"]) == ("aborted", False)
    assert kept["rows"] == len(pd.read_parquet(made / "requests.parquet")) > 1
    assert command.processes() == []


@pytest.mark.parametrize("processes", [1, 2])
def test_a_sender_that_was_told_to_end_did_not_end_well(command, pages, locustfile, processes):
    """Locust takes SIGTERM for a good end, and leaves with 0."""
    before = command.runs()
    words = ("--locustfile", locustfile, "--scenario", "open-30", "--duration", "60", "--warmup", "0")
    with command.start("run", "--target", pages, *words, "--processes", str(processes)) as process:
        stream = command.streams(before, processes)[-1]
        os.kill(int(stream.stem.removeprefix("requests-")), signal.SIGTERM)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (1, "")
    assert "was ended in mid-run" in errors
    (made,) = command.runs() - before
    assert json.loads((made / "run.json").read_text())["status"] == "aborted"
    assert (made / "process.parquet").exists()
    assert command.processes() == []


def test_a_redirect_of_the_target_is_not_followed():
    """It may lead to a machine that nobody confirmed."""
    asked = []

    class Other(Pages):
        def do_GET(self):
            asked.append(self.path)
            self.answer(200)

    with listening(Other) as other:

        class Redirecting(Pages):
            def do_GET(self):
                self.send_response(302)
                self.send_header("Location", other)
                self.send_header("Content-Length", "0")
                self.end_headers()

        with listening(Redirecting) as url:
            Target.parse(url).wait_until_there(patience_s=1)
    assert asked == []


def complaint(finished):
    assert finished.returncode not in (0, -9)
    assert finished.stdout == ""
    assert "Traceback" not in finished.stderr
    return [line for line in finished.stderr.splitlines() if not line.startswith("measuring: ")]


def test_a_target_that_is_not_there_is_told(monkeypatch):
    there = Target.parse(f"http://127.0.0.1:{services.free_port()}")
    with pytest.raises(Problem, match="was not there within 1 s: Connection refused"):
        there.wait_until_there(1.0)


def test_a_target_that_does_not_speak_http_is_told():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def answer():
            with listener.accept()[0] as connection:
                connection.recv(4096)
                connection.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Problem, match="does not speak HTTP"):
            Target.parse(f"http://127.0.0.1:{listener.getsockname()[1]}").wait_until_there(0.0)
        thread.join()


@pytest.mark.parametrize(
    "given", ["nonsense", "127.0.0.1:80", "ftp://host/", "http://", "http://host:port", "http://h/path"]
)
def test_what_is_no_url_of_a_target_is_told(given):
    with pytest.raises(Problem, match="is no target; it"):
        Target.parse(given)


def test_a_password_is_told_to_nobody():
    with pytest.raises(Problem) as told:
        Target.parse("ftp://me:hidden@host")
    assert "hidden" not in str(told.value)
    assert Target.parse("http://me:hidden@host:1").public() == "http://me:***@host:1"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_this_machine_needs_no_confirmation(host):
    Target.parse(f"http://{host}:1").require_confirmed(None)


def test_another_machine_has_to_be_confirmed_by_its_name():
    other = Target.parse("http://192.0.2.7:80")
    with pytest.raises(Problem, match=r"not this machine.*--confirm-target 192\.0\.2\.7"):
        other.require_confirmed(None)
    with pytest.raises(Problem, match="--confirm-target example is not the host of the target"):
        other.require_confirmed("example")
    other.require_confirmed("192.0.2.7")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--scenario", "burst-2"), "either --deployment or --target"),
        (("--deployment", "tuned", "--target", "http://127.0.0.1:1", "--scenario", "burst-2"), "either --deployment"),
        (("--target", "http://192.0.2.7:80", "--scenario", "burst-2"), "--confirm-target 192.0.2.7"),
        (("--target", "http://127.0.0.1:1", "--scenario", "start"), "not a target"),
        (("--target", "http://127.0.0.1:1", "--scenario", "burst-2", "--arrivals", "constant"), "closed load"),
        (("--target", "http://127.0.0.1:1", "--scenario", "burst-2", "--users", "0"), "--users"),
        (("--target", "http://127.0.0.1:1", "--scenario", "burst-2", "--duration", "-1"), "--duration"),
        (("--target", "http://127.0.0.1:1", "--scenario", "burst-2", "--locustfile", "/nowhere.py"), "--locustfile"),
        (("--target", "http://127.0.0.1:1", "--scenario", "burst-2", "--warmup", "5"), "over in its warm-up"),
        (("--deployment", "tuned", "--scenario", "burst-2", "--confirm-target", "h"), "go with --target"),
        (("--target", "http://127.0.0.1:1", "--scenario", "burst-2", "--port", "80"), "--port is for"),
    ],
)
def test_bad_input_is_one_line(command, arguments, said):
    before = command.runs()
    finished = command.run("run", *arguments)
    (line,) = [line for line in complaint(finished) if line.startswith("Error: ")]
    assert said in line
    assert command.runs() == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("import nothing_like_this", "ModuleNotFoundError"),
        ("x = 1", "no class of users"),
        (FAILS_AT_ITS_START, "no user could start"),
    ],
)
def test_a_locustfile_that_cannot_be_used_is_told(command, pages, tmp_path, content, said):
    (tmp_path / "mine.py").write_text(content)
    finished = run(command, pages, "--locustfile", str(tmp_path / "mine.py"), "--scenario", "burst-2")
    lines = complaint(finished)
    assert said in "\n".join(lines)
    assert len(lines) <= 2
    assert command.processes() == []


def test_a_locust_started_by_hand_is_recorded_by_one_import(command, pages, tmp_path):
    (tmp_path / "mine.py").write_text(f"from loadgen.generator import recording\n{LOCUSTFILE}")
    arguments = [
        "-f",
        str(tmp_path / "mine.py"),
        "--headless",
        "--users",
        "4",
        "--spawn-rate",
        "4",
        "--run-time",
        "2",
        "--host",
        pages,
    ]
    finished = subprocess.run(
        [sys.executable, "-m", "locust", *arguments, "--only-summary"],
        capture_output=True, text=True, cwd=REPOSITORY, timeout=60,
        env={**os.environ, "TRACETRACK_DATA_DIR": str(command.data)},
    )  # fmt: skip
    told = finished.stdout.splitlines()[-1]
    found = Path(told.partition(" requests recorded: ")[2])
    requests, said = pd.read_parquet(found / "requests.parquet"), json.loads((found / "run.json").read_text())
    assert len(requests) == int(told.split()[0]) == said["generator"]["requests"] > 10
    assert set(requests["endpoint"]) == {"GET /page", "missing"}
    assert (said["status"], doubts(said)) == ("complete", [])
