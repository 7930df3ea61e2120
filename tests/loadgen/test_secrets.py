"""A planted password is nowhere: not in what a real run writes or prints, not in the command lines of its processes."""

import json
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import quote, unquote

import pandas as pd
import psutil
import pytest

from loadgen import log_redaction
from tests.loadgen.finished_run import directory_of

PLANTED = "plan/ted#S3cret"
FORMS = (PLANTED, quote(PLANTED, safe=""), "S3cret")
LOCUSTFILE = f"""
from locust import HttpUser, task

class Careless(HttpUser):
    @task
    def look(self):
        self.client.get("/missing?user=me&password={quote(PLANTED)}&page=1")
        with self.client.get("/page", name="page", catch_response=True) as response:
            response.failure("token={PLANTED}")
        raise RuntimeError("the login of http://me:{quote(PLANTED, safe="")}@127.0.0.1 failed")
"""


class CommandLines:
    """Collects the command lines of all processes below another one while the block runs.

    A child that has not yet become its program shows the command that its user typed; that line is left out.
    """

    def __init__(self, pid: int):
        self.seen: set[str] = set()
        self._process = psutil.Process(pid)
        self._typed = self._process.cmdline()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self):
        while not self._ended.is_set():
            try:
                for child in self._process.children(recursive=True):
                    if (line := child.cmdline()) != self._typed:
                        self.seen.add(" ".join(line))
            except psutil.Error:
                pass
            time.sleep(0.1)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._ended.set()
        self._thread.join()


def finish(process):
    """Wait for a run; return what it was, with the command lines of its children."""
    with process, CommandLines(process.pid) as watched:
        try:
            output, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    return subprocess.CompletedProcess([], process.returncode, output, errors), watched.seen


def require_absent(forms, texts):
    found = [(place, form) for place, text in texts.items() for form in forms if form in text]
    assert found == []


def files_of(*folders):
    """The content of all files below the folders, a table as its text."""
    texts = {}
    for path in (path for folder in folders for path in Path(folder).rglob("*") if path.is_file()):
        is_table = path.suffix == ".parquet"
        texts[str(path)] = pd.read_parquet(path).to_csv() if is_table else path.read_bytes().decode(errors="replace")
    return texts


def test_a_password_of_the_target_and_of_its_urls_is_nowhere(command, pages, tmp_path):
    (tmp_path / "careless.py").write_text(LOCUSTFILE)
    url = pages.replace("://", f"://me:{quote(PLANTED, safe='')}@")
    given = ("--scenario", "burst-3", "--locustfile", str(tmp_path / "careless.py"))
    finished, command_lines = finish(command.start("run", "--target", url, *given))
    directory = directory_of(finished)
    written = files_of(directory)
    assert any("loadgen.generator" in line for line in command_lines)
    assert "GET /missing?user=me&password=***&page=1" in written[str(directory / "requests.parquet")]
    assert "me:***@" in written[str(directory / "run.json")]
    printed = {"output": finished.stdout, "errors": finished.stderr, "command lines": "\n".join(command_lines)}
    require_absent(FORMS, written | printed)


def test_passwords_of_database_and_store_are_nowhere(command, server, store, template):
    """The passwords of both servers are random; the deployment needs both of them."""
    environ = {"DATABASE_URL": server.url, "REDIS_URL": store.url}
    secrets = [url.rpartition("@")[0].rpartition(":")[2] for url in environ.values()]
    given = ("--deployment", "tuned-without-index", "--scenario", "burst-2", "--scale", "small")
    finished, command_lines = finish(command.start("run", *given, **environ))
    directory = directory_of(finished)
    record = json.loads((directory / "run.json").read_text())
    assert "***" in record["deployment"]["settings"]["database_url"]
    printed = {"output": finished.stdout, "errors": finished.stderr, "command lines": "\n".join(command_lines)}
    require_absent([form for secret in secrets for form in (secret, unquote(secret))], files_of(directory) | printed)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"GET /a?token=S3cret HTTP/1.1\nplain\n", b"GET /a?token=*** HTTP/1.1\nplain\n"),
        (
            b"bytes \xff\xfe that are no text\r\npassword=S3cret\r\n",
            b"bytes \xff\xfe that are no text\r\npassword=***\r\n",
        ),
        (b"nothing to hide", b"nothing to hide"),
    ],
)
def test_redact_logs_changes_nothing_but_secrets(tmp_path, content, expected):
    path = tmp_path / "locust.log"
    path.write_bytes(content)
    before_ns = path.stat().st_mtime_ns
    log_redaction.redact_logs(tmp_path)
    assert path.read_bytes() == expected
    assert (path.stat().st_mtime_ns == before_ns) == (content == expected)
    assert [file.name for file in tmp_path.iterdir()] == ["locust.log"]
