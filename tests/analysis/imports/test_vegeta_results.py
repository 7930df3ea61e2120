"""Vegeta's results as CSV and JSON lines, and its own encoding."""

import gzip
import json

import pytest

START_NS = 1_767_225_600_000_000_000


def csv_row(number, code=200, latency_ns=20_000_499, error="", columns=12):
    fields = [
        START_NS + number * 10**8,
        code,
        latency_ns,
        10,
        300,
        error,
        "Ym9keQ==",
        "",
        number,
        "GET",
        "http://a/",
        "eA==",
    ]
    return ",".join(map(str, fields[:columns])) + "\n"


def json_line(number, code=200, latency=20_000_000, error="", time="2026-01-01T00:00:00.{:01d}Z"):
    result = {
        "attack": "", "seq": number, "code": code, "timestamp": time.format(number), "latency": latency, "bytes_out": 0,
        "bytes_in": 300, "error": error, "body": None, "method": "GET", "url": "http://a/",
    }  # fmt: skip
    return json.dumps(result) + "\n"


@pytest.mark.parametrize(("columns", "endpoint"), [(12, "GET http://a/"), (9, "all requests"), (7, "all requests")])
def test_a_csv_row_of_any_version_becomes_a_request(import_file, columns, endpoint):
    rows = import_file(
        csv_row(0, columns=columns) + csv_row(1, 500, error="500 Server Error", columns=columns)
    ).requests
    assert list(rows["endpoint"]) == [endpoint] * 2
    assert list(rows["start_ms"]) == [0, 100]
    assert list(rows["latency_ms"]) == [20, 20]
    assert list(rows["status"]) == [200, 500]
    assert list(rows["error"].fillna("")) == ["", "500 Server Error"]
    assert list(rows["bytes"]) == [300, 300]


def test_a_json_object_becomes_a_request(import_file):
    rows = import_file(json_line(0) + json_line(1, 0, error="dial tcp: refused")).requests
    assert list(rows["start_ms"]) == [0, 100]
    assert list(rows["latency_ms"]) == [20, 20]
    assert list(rows["ok"]) == [True, False]
    assert rows.iloc[1]["error"] == "dial tcp: refused"
    assert rows.iloc[1].isna()["status"]


def test_a_success_with_an_error_is_a_failure(import_file):
    rows = import_file(csv_row(0, error="unexpected EOF") + csv_row(1)).requests
    assert list(rows["ok"]) == [False, True]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_first_result_with_a_long_body_is_recognised(import_file, form, packed):
    body = "eHh4" * 30_000
    line = csv_row(0).replace("Ym9keQ==", body) if form == "csv" else json_line(0).replace("null", f'"{body}"')
    text = (line + (csv_row(1) if form == "csv" else json_line(1))).encode()
    run = import_file(gzip.compress(text) if packed else text)
    assert list(run.requests["start_ms"]) == [0, 100]


def test_malformed_lines_are_counted(import_file):
    run = import_file("".join(csv_row(n) for n in range(300)) + "nonsense\n" + csv_row(3, code="many"))
    origin = run.record["imported"]
    assert (origin["malformed"], origin["first_malformed_line"]) == (2, 301)
    assert len(run.requests) == 300


def test_its_own_encoding_is_refused_by_name(refused):
    names = b"\x01\x06Attack\x01\x0c\x00\x01\x09Timestamp\x01\xff\x84\x00\x01\x07Latency\x01\x04\x00"
    gob = b"\x7f\xff\x81\x03\x01\x01\x06Result\x01\xff\x82\x00\x01\x0a" + names
    refused(gob, "gob", "vegeta encode --to json")
