"""Targets: an application that is running already is put under load, and its failures are reported by kind."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler

import pandas as pd
import pytest

from loadgen import services
from loadgen.target import Target
from tests.loadgen.finished_run import (
    SHORT,
    directory_of,
    error_lines,
    reasons_apart_from_lag,
    record_of,
    rows_of,
    run_on_target,
)
from tests.loadgen.page_server import Pages, listening
from workbench.errors import UserError
from workbench.request_schema import STREAMS


def test_a_login_page_with_status_200_is_a_failure(command, pages):
    finished = run_on_target(command, pages, "--scenario", "burst-20", "--scale", "small")
    kinds = rows_of(finished)["error"].value_counts(dropna=False)
    assert set(kinds.index) == {"a page where JSON was due", "login answered 200"}
    assert (
        "60 of 60 measured requests failed: 40 × a page where JSON was due, 20 × login answered 200" in finished.stderr
    )
    assert record_of(finished)["status"] == "complete"  # what the target did is an outcome


def test_users_that_cannot_sign_in_send_nothing_else(command, pages):
    given = ("--scenario", "open-20", "--arrivals", "constant", "--users", "6", "--scale", "small")
    finished = run_on_target(command, pages, *given, *SHORT)
    assert dict(rows_of(finished)["error"].value_counts()) == {"login answered 200": 40 + 6}  # each user logs in first
    assert reasons_apart_from_lag(record_of(finished)) == []


class BrokenProtocol(BaseHTTPRequestHandler):
    """Answers with HTTP, except under /api."""

    def do_GET(self):
        if self.path.startswith("/api"):
            self.wfile.write(b"\x00\x01 what is this?\r\n")
        else:
            self.send_response(200)
            self.end_headers()

    do_POST = do_GET

    def log_message(self, *arguments):
        pass


def test_a_response_that_is_not_http_is_reported_as_such(command):
    with listening(BrokenProtocol) as url:
        finished = run_on_target(command, url, "--scenario", "burst-2", "--scale", "small")
    assert "× not HTTP" in finished.stderr
    assert not rows_of(finished)["ok"].any()


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
        finished = run_on_target(
            command, f"http://127.0.0.1:{port}", "--locustfile", locustfile, "--scenario", "burst-2"
        )
    assert len(rows_of(finished)) == 2
    assert rows_of(finished)["status"].notna().all()


@pytest.mark.parametrize("scheme", ["", "ftp://"])
def test_users_of_http_need_its_scheme(command, locustfile, scheme):
    port = services.free_port()
    with application(port):
        target = f"{scheme}127.0.0.1:{port}"
        finished = command.run("run", "--target", target, "--locustfile", str(locustfile), "--scenario", "burst-2")
    assert finished.returncode == 1
    assert f"speaks HTTP, and the target's address does not begin with it; did you mean http://127.0.0.1:{port}?" in (
        finished.stderr
    )


def test_an_empty_target_is_refused(command):
    finished = command.run("run", "--target", "", "--scenario", "burst-2")
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "name what to put under load" in finished.stderr


def test_a_target_that_dies_in_mid_run_gives_failures_by_kind(command, locustfile):
    port = services.free_port()
    given = ("--locustfile", locustfile, "--scenario", "open-20", "--duration", "5", "--warmup", "0")
    before = command.runs()
    with application(port) as dying:
        process = command.start("run", "--target", f"http://127.0.0.1:{port}", *given)
        with process:
            (stream,) = command.streams(before)
            dying.send_signal(signal.SIGKILL)
            output, errors = process.communicate(timeout=60)
    finished = subprocess.CompletedProcess([], process.returncode, output, errors)
    assert "connection refused" in finished.stderr
    kinds = set(rows_of(finished)["error"].dropna())
    assert "connection refused" in kinds
    assert reasons_apart_from_lag(record_of(finished)) == []  # what the target did is an outcome
    assert stream.parent == directory_of(finished)


def test_a_killed_sender_is_named_and_the_rows_of_all_senders_are_kept(command, pages, locustfile):
    given = ("--locustfile", locustfile, "--scenario", "open-40", "--duration", "20", "--warmup", "0")
    before = command.runs()
    with command.start("run", "--target", pages, *given, "--processes", "2") as process:
        streams = command.streams(before, 2)
        os.kill(int(streams[1].stem.removeprefix("requests-")), signal.SIGKILL)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (1, "")
    (error,) = [line for line in errors.splitlines() if line.startswith("Error: ")]
    assert "of the 2 of Locust (id " in error
    assert "was ended by signal 9 in mid-run: what it sent in its last 0.5 s is lost" in error
    (directory,) = command.runs() - before
    record = json.loads((directory / "run.json").read_text())
    assert (record["status"], record["valid"]) == ("aborted", False)
    rows = pd.read_parquet(directory / "requests.parquet")
    assert record["rows"] == len(rows)
    assert set(rows["user"] % 2) == {0, 1}  # of both processes
    assert len(list(directory.glob(STREAMS))) == 2  # as their rows could not be compared with the summaries
    assert command.processes() == []


@pytest.mark.parametrize("processes", [1, 2])
def test_a_terminated_sender_aborts_the_run(command, pages, locustfile, processes):
    """Locust exits with 0 on SIGTERM."""
    before = command.runs()
    words = ("--locustfile", locustfile, "--scenario", "open-30", "--duration", "60", "--warmup", "0")
    with command.start("run", "--target", pages, *words, "--processes", str(processes)) as process:
        stream = command.streams(before, processes)[-1]
        os.kill(int(stream.stem.removeprefix("requests-")), signal.SIGTERM)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (1, "")
    assert "was ended in mid-run" in errors
    (directory,) = command.runs() - before
    assert json.loads((directory / "run.json").read_text())["status"] == "aborted"
    assert (directory / "process.parquet").exists()
    assert command.processes() == []


def test_a_redirect_of_the_target_is_not_followed():
    """It may lead to an unconfirmed machine."""
    requested = []

    class Other(Pages):
        def do_GET(self):
            requested.append(self.path)
            self.answer(200)

    with listening(Other) as other:

        class Redirecting(Pages):
            def do_GET(self):
                self.send_response(302)
                self.send_header("Location", other)
                self.send_header("Content-Length", "0")
                self.end_headers()

        with listening(Redirecting) as url:
            Target.parse(url).wait_until_up(timeout_s=1)
    assert requested == []


def test_a_target_that_is_down_is_reported():
    target = Target.parse(f"http://127.0.0.1:{services.free_port()}")
    with pytest.raises(UserError, match="did not answer within 1 s: Connection refused"):
        target.wait_until_up(1.0)


def test_any_answer_will_do_as_the_user_classes_know_what_the_target_speaks():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def answer():
            with listener.accept()[0] as connection:
                connection.recv(4096)
                connection.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        Target.parse(f"http://127.0.0.1:{listener.getsockname()[1]}").wait_until_up(0.0)
        thread.join()


@pytest.mark.parametrize(
    "given", ["nonsense", "ftp://host/", "http://", "http://host:port", "http://h/path?q=1", "http://h/#top", ""]
)
def test_parse_of_a_malformed_url_is_refused(given):
    with pytest.raises(UserError, match="is no target; it"):
        Target.parse(given)


@pytest.mark.parametrize(
    ("given", "url", "port"),
    [
        ("http://h/v1/", "http://h/v1", 80),
        ("https://h:8443", "https://h:8443", 8443),
        ("127.0.0.1:50051", "127.0.0.1:50051", 50051),
        ("ws://[::1]/live", "ws://[::1]/live", 80),
        ("grpc://h:7000", "grpc://h:7000", 7000),
    ],
)
def test_a_base_path_is_kept_and_without_http_the_user_classes_know_what_to_speak(given, url, port):
    target = Target.parse(given)
    assert (target.url, target.port) == (url, port)


def test_a_password_is_shown_nowhere():
    with pytest.raises(UserError) as refused:
        Target.parse("ftp://me:hidden@host")
    assert "hidden" not in str(refused.value)
    assert Target.parse("http://me:hidden@host:1").public() == "http://me:***@host:1"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_this_machine_needs_no_confirmation(host):
    Target.parse(f"http://{host}:1").require_confirmed(None)


def test_another_machine_has_to_be_confirmed_by_its_name():
    other = Target.parse("http://192.0.2.7:80")
    with pytest.raises(UserError, match=r"not this machine.*--confirm-target 192\.0\.2\.7"):
        other.require_confirmed(None)
    with pytest.raises(UserError, match="--confirm-target example is not the host of the target"):
        other.require_confirmed("example")
    other.require_confirmed("192.0.2.7")


@pytest.mark.parametrize(
    ("arguments", "message"),
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
        (("--target", "http://127.0.0.1:1", "--scenario", "sustained-2", "--duration", "nan"), "--duration"),
        (("--target", "http://127.0.0.1:1", "--scenario", "burst-x"), "no scenario"),
        (("--target", "http://127.0.0.1:99999", "--scenario", "burst-2"), "is no target"),
        (("--deployment", "tuned2", "--scenario", "burst-2"), "no deployment"),
        (("--deployment", "tuned", "--scenario", "burst-2", "--confirm-target", "h"), "go with --target"),
        (("--target", "http://127.0.0.1:1", "--scenario", "burst-2", "--port", "80"), "--port is for"),
    ],
)
def test_bad_input_is_answered_in_one_line(command, arguments, message):
    before = command.runs()
    finished = command.refuse("run", *arguments)
    (line,) = [line for line in error_lines(finished) if line.startswith("Error: ")]
    assert message in line
    assert finished.returncode == 2
    assert command.runs() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [("def look(:\n", "line 1: invalid syntax"), ("x = 1\0", "null bytes"), ("\n  é = '", "line 2")],
)
def test_a_locustfile_that_is_no_python_is_named_before_anything_starts(command, tmp_path, content, message):
    (tmp_path / "broken.py").write_text(content)
    arguments = "--target", "http://127.0.0.1:1", "--scenario", "burst-2", "--locustfile", str(tmp_path / "broken.py")
    finished = command.refuse("run", *arguments)
    (line,) = [line for line in error_lines(finished) if line.startswith("Error: ")]
    assert str(tmp_path / "broken.py") in line
    assert message in line
    assert finished.returncode == 1
