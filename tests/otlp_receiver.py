"""A receiver of OTLP over HTTP, in JSON: it parses what is sent to it, and answers as a test wants."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

KINDS = {2: "server", 3: "client"}


class Receiver:
    """What was received: the paths, the headers of the last message, and the spans by service, in their order.

    Each of `answers` (status, headers, body) is given once; then every message is taken.
    """

    def __init__(self):
        self.url = ""
        self.paths, self.headers, self.spans = [], {}, []
        self.answers = []

    def take(self, path, headers, body):
        """Note a message, and return what it is answered with."""
        self.paths.append(path)
        self.headers = headers
        if self.answers:
            return self.answers.pop(0)
        for of_resource in json.loads(body)["resourceSpans"]:
            resource = attributes(of_resource["resource"])
            for scope in of_resource["scopeSpans"]:
                self.spans += [read(span, resource) for span in scope["spans"]]
        return 200, {"Content-Type": "application/json"}, b"{}"

    def of(self, kind):
        """The spans of a kind, by their ids."""
        return {(span["traceId"], span["spanId"]): span for span in self.spans if span["kind"] == kind}


def read(span, resource):
    """A span with plain values, instants as integers of ns since 1970."""
    assert len(bytes.fromhex(span["traceId"])) == 16
    assert len(bytes.fromhex(span["spanId"])) == 8
    begin_ns, end_ns = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
    assert begin_ns <= end_ns
    plain = {"kind": KINDS[span["kind"]], "attributes": attributes(span), "resource": resource}
    return {**span, **plain, "begin_ns": begin_ns, "end_ns": end_ns}


def attributes(entity):
    """The attributes of a span or a resource by their keys."""
    return {entry["key"]: value(entry["value"]) for entry in entity["attributes"]}


def value(entry):
    ((kind, given),) = entry.items()
    return int(given) if kind == "intValue" else given


class Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, headers, answer = self.receiver.take(self.path, dict(self.headers), body)
        self.send_response(status)
        for name, text in {"Content-Length": str(len(answer)), **headers}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver for the block."""
    receiver = Receiver()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Of", (Handler,), {"receiver": receiver})) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield receiver
        finally:
            server.shutdown()


@pytest.fixture
def receiver():
    with receiving() as running:
        yield running
