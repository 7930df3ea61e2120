"""The slowest executions of statements: which are written, and what is left out."""

import json
from dataclasses import replace

import pytest
from werkzeug.test import Client

from instrumentation import statement_samples
from instrumentation.server_timing import TimedApplication
from instrumentation.statement_samples import GROWTH, StatementSamples


@pytest.fixture
def path(tmp_path):
    return tmp_path / "samples"


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def in_a_request(work):
    def application(environ, start_response):
        work()
        start_response("200 OK", [])
        return []

    Client(TimedApplication(application, lambda: 0, run_token=None)).get("/")


def test_an_execution_is_written_with_its_values(path):
    samples = StatementSamples(str(path), ("limit", "absent"), text_of=str.upper)
    in_a_request(lambda: samples.note("select", {"limit": 5, "name": "Ann"}, 7))
    assert lines(path) == [
        {"statement": "SELECT", "values": {"limit": 5, "name": "Ann"}, "public": ["limit"], "took_ns": 7}
    ]
    assert path.stat().st_mode & 0o777 == 0o600


def test_only_a_much_slower_execution_is_written_once_more(path):
    samples = StatementSamples(str(path), ())

    def work():
        for took_ns in (100, 50, 100, 100 * GROWTH, 101 * GROWTH):
            samples.note("a", {}, int(took_ns))
        samples.note("b", {}, 1)

    in_a_request(work)
    assert [(line["statement"], line["took_ns"]) for line in lines(path)] == [("a", 100), ("a", 126), ("b", 1)]


def test_outside_of_a_timed_request_nothing_is_written(path):
    samples = StatementSamples(str(path), ())
    samples.note("a", {}, 100)
    assert lines(path) == []
    in_a_request(lambda: samples.note("a", {}, 1))
    assert [line["took_ns"] for line in lines(path)] == [1]


def test_bytes_are_written_in_hexadecimal_digits(path):
    samples = StatementSamples(str(path), ())
    in_a_request(lambda: samples.note("a", {"id": b"\x00\xff"}, 1))
    assert lines(path)[0]["values"] == {"id": {"hex": "00ff"}}


def test_without_a_path_nothing_is_recorded(path):
    in_a_request(lambda: StatementSamples("", ()).note("a", {}, 1))
    assert not path.exists()


def test_values_that_json_lacks_and_long_lines_are_left_out(path):
    samples = StatementSamples(str(path), ())

    def work():
        samples.note("a", {"content": object()}, 1)
        samples.note("b", {"content": "x" * statement_samples.MAX_LINE_BYTES}, 1)

    in_a_request(work)
    assert lines(path) == []


def test_an_application_with_any_number_of_statements_leaves_a_bounded_number(path, monkeypatch):
    monkeypatch.setattr(statement_samples, "MAX_STATEMENTS", 2)
    samples = StatementSamples(str(path), ())
    in_a_request(lambda: [samples.note(f"select {number}", {}, 1) for number in range(5)])
    assert len(lines(path)) == 2


def test_a_full_disk_ends_the_recording_and_not_the_request(caplog):
    samples = StatementSamples("/dev/full", ())
    in_a_request(lambda: samples.note("a", {}, 1))
    in_a_request(lambda: samples.note("b", {}, 1))
    assert [record.message for record in caplog.records] == ["statements are not recorded any more"]


def test_the_application_records_what_its_requests_sent(make_app, settings, path):
    app = make_app(replace(settings, samples_file=str(path)))
    client = app.test_client()
    client.post("/login", data={"username": "nobody-of-this-name", "password": "wrong"})
    account = lines(path)[0]
    assert account["statement"].endswith("WHERE username = %(username)s")
    assert (account["values"], account["public"]) == ({"username": "nobody-of-this-name"}, [])
