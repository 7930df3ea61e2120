"""k6's points as CSV and JSON lines: the time stamp is of the end, and one metric has the requests."""

import json

import pytest

HEADER = "metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,status,url\n"
START_S = 1_767_225_600


def csv_point(
    stamp, value, *, metric="http_req_duration", method="GET", name="/a", status="200", expected="true", error=""
):
    return f"{metric},{stamp},{value},,{error},,{expected},,{method},{name},{status},http://localhost{name}\n"


def json_point(time, value, *, metric="http_req_duration", **tags):
    tags = {"expected_response": "true", "method": "GET", "name": "/a", "status": "200", **tags}
    return json.dumps({"metric": metric, "type": "Point", "data": {"time": time, "value": value, "tags": tags}}) + "\n"


def test_a_csv_point_is_stamped_with_its_end(import_file):
    text = HEADER + csv_point(START_S, "250.125") + csv_point(START_S + 1, "20", name="/b", method="POST")
    run = import_file(text)
    assert list(run.requests["endpoint"]) == ["GET /a", "POST /b"]
    assert list(run.requests["latency_ms"]) == [250.125, 20]
    assert list(run.requests["start_ms"]) == [0, 1230.125]
    assert run.requests["user"].isna().all()
    assert any("whole seconds" in note for note in run.record["imported"]["notes"])


@pytest.mark.parametrize(
    "stamps",
    [
        ("1767225600250", "1767225601000"),
        ("1767225600250000", "1767225601000000"),
        ("1767225600250000000", "1767225601000000000"),
        ("2026-01-01T00:00:00.25Z", "2026-01-01T01:00:01+01:00"),
    ],
)
def test_every_format_of_time_is_known(import_file, stamps):
    run = import_file(HEADER + "".join(csv_point(stamp, "50") for stamp in stamps))
    assert list(run.requests["start_ms"]) == [0, 750]
    assert run.record["started"] == "2026-01-01T00:00:00.200Z"
    assert run.record["imported"]["notes"] == []


def test_users_of_a_csv_are_in_the_metadata_of_newer_versions(import_file):
    header = HEADER.replace("\n", ",metadata\n")
    rows = [csv_point(START_S, "50").replace("\n", f",{text}\n") for text in ("vu=7&iter=0", "iter=1&vu=3", "vu=7", "")]
    users = import_file(header + "".join(rows)).requests["user"]
    assert users.isna().sum() == 1
    assert users.dropna().nunique() == 2


def test_other_metrics_and_a_second_header_are_no_requests(import_file):
    other = csv_point(START_S, "1", metric="http_req_waiting") + "vus,1767225600,5,,,,,,,,,\n"
    run = import_file(HEADER + other + csv_point(START_S, "50") + HEADER + csv_point(START_S, "60"))
    assert sorted(run.requests["latency_ms"]) == [50, 60]
    assert run.record["imported"]["malformed"] == 0


@pytest.mark.parametrize(
    ("changes", "is_ok"),
    [
        ({"expected": "false", "status": "200"}, False),
        ({"expected": "true", "status": "404"}, True),
        ({"expected": "", "status": "302"}, True),
        ({"expected": "", "status": "500"}, False),
        ({"expected": "", "status": "0", "error": "no such host"}, False),
    ],
)
def test_success_is_what_was_expected_or_by_the_status(import_file, changes, is_ok):
    run = import_file(HEADER + csv_point(START_S, "50", **changes) + csv_point(START_S, "60"))
    row = run.requests.set_index("latency_ms").loc[50]
    assert row["ok"] == is_ok
    assert row.isna()["error"] == is_ok


def test_a_json_point_is_stamped_with_its_end(import_file):
    declared = (
        json.dumps({"type": "Metric", "data": {"name": "http_req_duration"}, "metric": "http_req_duration"}) + "\n"
    )
    text = declared + json_point("2026-01-01T00:00:00.250Z", 50) + json_point("2026-01-01T00:00:01.123456789Z", 23.456)
    run = import_file(text + json_point("2026-01-01T00:00:01Z", 1, metric="vus"))
    assert list(run.requests["latency_ms"]) == [50, 23.456]
    assert list(run.requests["start_ms"]) == [0, 900]


def test_a_json_point_with_an_error_has_its_reason(import_file):
    failed = json_point("2026-01-01T00:00:00Z", 0, status="0", error="dial: refused", expected_response="false")
    run = import_file(failed + json_point("2026-01-01T00:00:00Z", 5))
    row = run.requests.set_index("latency_ms").loc[0]
    assert (row["error"], row.isna()["status"], row["ok"]) == ("dial: refused", True, False)


@pytest.mark.parametrize("where", ["metadata", "tags"])
def test_the_user_of_a_json_point_is_in_its_metadata_or_tags(import_file, where):
    points = [json.loads(json_point(f"2026-01-01T00:00:0{number}Z", 5)) for number in range(3)]
    for point, vu in zip(points, ("7", 3, "7"), strict=True):
        point["data"].setdefault(where, {})["vu"] = vu
    rows = import_file("".join(f"{json.dumps(point)}\n" for point in points)).requests
    assert list(rows["user"]) == [0, 1, 0]


def test_malformed_json_is_counted_and_a_last_line_is_cut_off(import_file):
    whole = "".join(json_point("2026-01-01T00:00:00Z", 5 + n) for n in range(300))
    run = import_file("{broken\n" + whole + json_point("2026-01-01T00:00:00Z", 5)[:60], "--format", "k6-json")
    origin = run.record["imported"]
    assert (origin["malformed"], origin["first_malformed_line"], origin["truncated"]) == (2, 1, True)
    assert len(run.requests) == 300


def test_a_point_without_a_duration_is_malformed(import_file):
    wrong = json_point("2026-01-01T00:00:00Z", "slow") + json_point("yesterday", 5)
    run = import_file(json_point("2026-01-01T00:00:00Z", 5) * 300 + wrong)
    assert (run.record["imported"]["malformed"], run.record["imported"]["first_malformed_line"]) == (2, 301)


def test_a_summary_of_k6_is_refused_by_name(refused):
    refused('{\n  "root_group": {"name": ""},\n  "metrics": {}\n}\n', "a summary of k6", "--out json")


def test_points_without_a_request_are_refused(refused):
    refused(HEADER + csv_point(START_S, "1", metric="vus"), "has no request that can be read")
