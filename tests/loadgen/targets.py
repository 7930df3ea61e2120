"""What somebody else's application might answer, and what a run against it left."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd

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


def complaint(finished):
    assert finished.returncode not in (0, -9)
    assert finished.stdout == ""
    assert "Traceback" not in finished.stderr
    return [line for line in finished.stderr.splitlines() if not line.startswith("measuring: ")]
