"""Spans of a run: the client's of each request, and the server's within it."""

import pytest

from analysis.exports import otlp_spans
from analysis.exports.otlp_client import OtlpReceiver
from analysis.exports.otlp_spans import Clock, otlp_messages, requests_without_ids
from workbench.errors import UserError
from workbench.trace_context import run_key, trace_ids

START_US = 1_767_225_600_123_456


@pytest.fixture
def make(builder):
    def make(scenario="burst-25", change=None):
        made = builder.run("tuned", scenario)
        made.record["started_unix_us"] = START_US
        for row in made.rows if change else ():
            change(row)
        return builder.experiment(made).runs[0]

    return make


@pytest.fixture
def spans(receiver):
    def send(run):
        taken, rejections = OtlpReceiver(receiver.url).send(otlp_messages(run, Clock.of_run(run)))
        assert (taken, rejections) == (len(receiver.spans), [])
        return receiver

    return send


def test_each_request_is_a_client_span_on_the_wall_clock(make, spans):
    run = make()
    clients = spans(run).of("client")
    assert len(clients) == len(run.requests) == 75
    key = run_key("made", run.name)
    for _, row in run.requests.iterrows():
        ids = trace_ids(key, row["user"], row["sequence"])
        span = clients[ids.trace, ids.client]
        begin_ns = 1000 * (START_US + round(1000 * row["start_ms"]))
        assert (span["name"], span["begin_ns"]) == (row["endpoint"], begin_ns)
        assert span["end_ns"] - begin_ns == 1000 * round(1000 * row["latency_ms"])
        assert span["attributes"]["http.response.status_code"] == row["status"]
        assert "parentSpanId" not in span
        assert "status" not in span
        assert span["resource"]["service.name"] == "tracetrack-load-generator"


def test_the_time_in_the_application_is_a_child_with_the_parts(make, spans):
    run = make()
    received = spans(run)
    clients, servers = received.of("client"), received.of("server")
    assert len(servers) == len(clients)
    key = run_key("made", run.name)
    for _, row in run.requests.iterrows():
        ids = trace_ids(key, row["user"], row["sequence"])
        span, parent = servers[ids.trace, ids.server], clients[ids.trace, ids.client]
        assert span["parentSpanId"] == ids.client
        assert parent["begin_ns"] <= span["begin_ns"] <= span["end_ns"] <= parent["end_ns"]
        assert span["end_ns"] - span["begin_ns"] == 1000 * round(1000 * row["app_ms"])
        for part in ("pool", "db", "hash", "cache", "session"):
            assert span["attributes"][f"tracetrack.{part}_ms"] == pytest.approx(row[f"{part}_ms"])
        assert span["attributes"]["tracetrack.statements"] == row["db_calls"]
        assert span["resource"]["service.name"] == "tuned"


def test_a_failure_is_the_status_of_the_client_span(make, spans):
    def fail(row):
        row |= {"ok": False, "error": "status 500\x1b[2J", "status": 500}

    received = spans(make(change=fail))
    assert {tuple(span["status"].items()) for span in received.of("client").values()} == {
        (("code", 2), ("message", "status 500"))
    }
    assert all("status" not in span for span in received.of("server").values())


def test_a_request_without_times_of_the_application_has_no_server_span(make, spans):
    received = spans(make(change=lambda row: row.update(app_us=None)))
    assert (len(received.of("client")), received.of("server")) == (75, {})


def test_requests_of_no_known_user_have_no_span_and_are_counted(make, spans):
    run = make(change=lambda row: row.update(user=None) if row["endpoint"] == "login" else None)
    assert requests_without_ids(run) == 25
    assert len(spans(run).of("client")) == 50


def test_a_long_run_is_sent_in_several_messages(make, spans, monkeypatch):
    monkeypatch.setattr(otlp_spans, "BATCH", 10)
    received = spans(make())
    assert received.paths == ["/v1/traces"] * 8
    assert len(received.of("client")) == 75


def test_without_a_recorded_clock_the_time_of_the_record_is_used(builder):
    made = builder.run("tuned", "burst-25")
    run = builder.experiment(made).runs[0]
    assert Clock.of_run(run) == (1_767_225_600_000_000, False)
    for no_time in ("some day", "0001-01-01T00:00:00+00:00", ""):
        run.record["started"] = no_time
        with pytest.raises(UserError, match="has no time of its start"):
            Clock.of_run(run)
