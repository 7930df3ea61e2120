"""A load with `TRACETRACK_TRACE=1`: its requests carry the ids of the spans that are exported of them."""

import json
from datetime import datetime

import pytest

from analysis.exports.otlp_client import OtlpReceiver
from analysis.exports.otlp_spans import Clock, otlp_messages
from tests.loadgen.finished_run import directory_of, run_on_target
from tests.loadgen.page_server import Pages, listening
from tests.otlp_receiver import receiving
from workbench.recording import open_run
from workbench.request_schema import request_name
from workbench.trace_context import run_key, trace_ids

BURST = ("--scenario", "burst-4")
OWN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def traced_pages():
    """The URL of a server, and the `traceparent` of each request to it by its id."""
    handler = type("Traced", (_TracedPages,), {"seen": {}})
    with listening(handler) as url:
        yield url, handler.seen


class _TracedPages(Pages):
    seen: dict

    def answer(self, status):
        self.seen[self.headers["X-Request-ID"]] = self.headers["traceparent"]
        super().answer(status)


def spans_of(run):
    """The client's and the server's spans of a run, as a receiver has them."""
    with receiving() as receiver:
        OtlpReceiver(receiver.url).send(otlp_messages(run, Clock.of_run(run)))
        return receiver.of("client"), receiver.of("server")


def test_each_client_sends_the_ids_of_its_exported_span(command, traced_pages, locustfile):
    url, seen = traced_pages
    finished = run_on_target(command, url, "--locustfile", locustfile, *BURST, TRACETRACK_TRACE="1")
    run = open_run(directory_of(finished))
    clients, servers = spans_of(run)
    assert servers == {}  # the server reports no times
    sent = {tuple(seen[request_name(*row)].split("-")[1:3]) for row in run.requests[["user", "sequence"]].to_numpy()}
    assert sent == clients.keys()
    assert len(sent) == 4
    assert run.record["trace"] is True


def test_spans_are_on_the_wall_clock_of_the_run(command, traced_pages, locustfile):
    finished = run_on_target(command, traced_pages[0], "--locustfile", locustfile, *BURST)
    run = open_run(directory_of(finished))
    clients, _ = spans_of(run)
    from_ns, to_ns = (1e9 * datetime.fromisoformat(run.record[name]).timestamp() for name in ("started", "ended"))
    assert Clock.of_run(run).is_exact
    assert all(from_ns <= span["begin_ns"] <= span["end_ns"] <= to_ns for span in clients.values())


def test_without_the_variable_no_header_is_sent(command, traced_pages, locustfile):
    url, seen = traced_pages
    finished = run_on_target(command, url, "--locustfile", locustfile, *BURST)
    assert set(seen.values()) == {None}
    assert "trace" not in json.loads((directory_of(finished) / "run.json").read_text())


def test_a_header_of_the_locustfile_itself_is_kept(command, traced_pages, tmp_path):
    url, seen = traced_pages
    text = "from locust import FastHttpUser, HttpUser, task\n"
    for kind in ("FastHttpUser", "HttpUser"):
        text += f"class My{kind}({kind}):\n    @task\n    def look(self):\n"
        text += f"        self.client.get('/page', headers={{'traceparent': '{OWN}'}})\n"
    (tmp_path / "own.py").write_text(text)
    directory_of(run_on_target(command, url, "--locustfile", str(tmp_path / "own.py"), *BURST, TRACETRACK_TRACE="1"))
    assert OWN in seen.values()
    assert set(seen.values()) <= {OWN, None}  # None: the first request, which only looks whether it is up


def test_the_application_logs_the_trace_and_its_time_is_a_span_within(command):
    arguments = ("--deployment", "as-measured", "--scale", "small", "--scenario", "missing-table")
    finished = command.run("run", *arguments, timeout=240, TRACETRACK_TRACE="1")
    run = open_run(directory_of(finished))
    clients, servers = spans_of(run)
    assert len(servers) == len(clients) == len(run.requests)
    for (trace, _), span in servers.items():
        parent = clients[trace, span["parentSpanId"]]
        assert parent["begin_ns"] <= span["begin_ns"] <= span["end_ns"] <= parent["end_ns"] + 3000  # rounded
    key = run_key(run.record["experiment"], run.record["run"])
    logged = {entry["request_id"]: entry["trace_id"] for entry in run.log if entry.get("request_id")}
    assert logged
    for request, trace in logged.items():
        assert trace == trace_ids(key, *map(int, request.split("-"))).trace
