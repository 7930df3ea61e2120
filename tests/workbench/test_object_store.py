"""Stores that answer slowly, wrongly or not at all: each is one line within its time, and a signal ends the wait."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.workbench.one_line import require_one_line
from workbench import object_store
from workbench.errors import RecordingError, UsageError
from workbench.paths import REPOSITORY
from workbench.recording import open_experiment, open_run
from workbench.redaction import redacted_of_url
from workbench.store_process import GRACE_S
from workbench.store_transfer import ATTEMPTS

URL = "s3://recordings/one"
TIMEOUT_S = 1
MACHINE_S = 15
ENVIRON = {
    "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true", object_store.TIMEOUT: str(TIMEOUT_S),
}  # fmt: skip


class Answering(BaseHTTPRequestHandler):
    """Answers each request with the status of the server; status 200 begins, and then drips."""

    def do_GET(self):
        self.send_response(self.server.status)
        self.send_header("Content-Length", "100000" if self.server.status == 200 else "0")
        self.end_headers()
        with suppress(OSError):  # the reader went away
            while self.server.status == 200 and not self.server.ended.wait(0.2):
                self.wfile.write(b"<")

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@contextmanager
def store(status):
    """The address of a store."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        server.status, server.ended, server.daemon_threads = status, threading.Event(), True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def environ(monkeypatch):
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_store_that_drips_is_given_up(environ, tmp_path):
    with store(200) as address:
        environ.setenv("AWS_ENDPOINT_URL", address)
        start_s = time.monotonic()
        with pytest.raises(RecordingError) as excinfo:
            object_store.mirror(URL, tmp_path, "requests.parquet")
    assert time.monotonic() - start_s < ATTEMPTS * TIMEOUT_S + GRACE_S + MACHINE_S
    require_one_line(excinfo, f"{URL} cannot be read", "within 1 s", "made no progress", "AWS_ENDPOINT_URL")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_for_a_store(tmp_path, number):
    with store(200) as address:
        given = {**os.environ, **ENVIRON, object_store.TIMEOUT: "600", "AWS_ENDPOINT_URL": address}
        given |= {"TMPDIR": str(tmp_path)}
        command = [sys.executable, "-m", "analysis", "show", URL]
        with subprocess.Popen(command, cwd=REPOSITORY, env=given, stderr=subprocess.PIPE, text=True) as process:
            while not [*tmp_path.glob("tracetrack-locked-recording-*")]:
                assert process.poll() is None
                time.sleep(0.05)
            time.sleep(1)
            process.send_signal(number)
            errors = process.communicate(timeout=MACHINE_S)[1]
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert not [*tmp_path.glob("tracetrack-locked-recording-*")]


@pytest.mark.parametrize("status", [403, 400])
def test_a_store_that_refuses_at_once_is_not_one_that_took_too_long(environ, tmp_path, status):
    environ.setenv(object_store.TIMEOUT, "60")
    with store(status) as address:
        environ.setenv("AWS_ENDPOINT_URL", address)
        with pytest.raises(RecordingError) as excinfo:
            object_store.mirror(URL, tmp_path, "requests.parquet")
    require_one_line(excinfo, f"{URL} cannot be read from its object store: ")
    assert "within" not in excinfo.value.message


def test_credentials_in_a_url_of_s3_are_refused_without_showing_them():
    with pytest.raises(UsageError) as excinfo:
        object_store.require_name("s3://key:sec77@bucket/one")
    require_one_line(excinfo, "AWS_SECRET_ACCESS_KEY", "s3://key:***@bucket/one")
    assert "sec77" not in excinfo.value.message


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("ftp://me:sec77@host/one", "530 login of me:sec77 failed at path 'me:sec77@host/one'"),
        ("ftp://me:sec%2F7@host/one", "login with 'sec/7' and sec%2F7 failed"),
        ("abfs://a/one?api_key=q1", "no such parameter: q1"),
    ],
)
def test_the_secrets_of_a_url_are_in_no_reason(url, text):
    shown = redacted_of_url(text, url)
    assert not [secret for secret in ("sec77", "sec/7", "sec%2F7", "q1") if secret in shown]
    assert "***" in shown


def test_a_missing_or_changed_object_has_a_subject_and_a_problem():
    error = object_store.ChangedObject(f"{URL} is missing", "is missing")
    assert (error.message, error.problem) == (f"{URL} is missing", "is missing")


@pytest.mark.parametrize(("open_it", "name"), [(open_run, "run.json"), (open_experiment, "experiment.json")])
def test_a_damaged_record_in_a_store_is_named_by_its_url(tmp_path, open_it, name):
    (tmp_path / name).write_text("{")
    with pytest.raises(RecordingError) as excinfo:
        open_it(tmp_path, origin=URL)
    require_one_line(excinfo, f"{URL}/{name} is not readable JSON")
    assert str(tmp_path) not in excinfo.value.message
