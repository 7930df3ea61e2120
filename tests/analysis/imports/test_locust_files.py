"""Locust's log of requests and its statistics, and the other files that it writes."""

import pytest

from workbench.imported import SENDS, STATUSES, VALUES

REQUESTS = (
    "timestamp,request_type,name,response_time_ms,response_length,status_code,exception\n"
    "1767225600.25,GET,/,20.5,300,200,\n"
    "1767225600.75,POST,/login,70,0,0,\"HTTPError('500, Server Error')\"\n"
    "1767225601,GET,/,,300,200,\n"
)
PERCENTILES = "50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%"
STATISTICS = (
    "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,"
    f"Max Response Time,Average Content Size,Requests/s,Failures/s,{PERCENTILES}\n"
    "GET,/,1000,0,20,27.5,10.5,200.5,300,100,0,20,25,30,33,45,60,90,120,180,200,200\n"
    "POST,/login,100,10,70,75,50,150,0,10,1,70,75,80,85,95,100,120,130,150,150,150\n"
    ",Aggregated,1100,10,20,31.8,10.5,200.5,270,110,1,20,26,33,40,60,80,100,120,180,200,200\n"
)
FAILURES = "Method,Name,Error,Occurrences,First Seen,Last Seen\nPOST,/login,status 500,8,,\nPOST,/login,timeout,2,,\n"


def test_a_request_has_its_send_and_latency(import_file):
    run = import_file(REQUESTS)
    rows = run.requests
    assert list(rows["endpoint"]) == ["GET /", "POST /login", "GET /"]
    assert list(rows["start_ms"]) == [0, 500, 750]
    assert list(rows["latency_ms"].fillna(-1)) == [20.5, 70, -1]
    assert list(rows["ok"]) == [True, False, True]
    assert rows.iloc[1]["error"] == "HTTPError('500, Server Error')"
    assert list(rows["status"].fillna(0)) == [200, 0, 200]


def test_statistics_give_counts_percentiles_mean_and_extremes(import_file):
    run = import_file(STATISTICS, name="load_stats.csv")
    assert run.record["imported"]["unknown"] == [SENDS, VALUES, STATUSES]
    (row,) = run.by_endpoint[run.by_endpoint["endpoint"] == "GET /"].to_dict("records")
    assert (row["requests"], row["failures"]) == (1000, 0)
    assert row["mean_ms"] == pytest.approx(27.5, abs=0.01)
    assert row["median_ms"] == pytest.approx(20, abs=0.1)
    assert row["p95_ms"] == pytest.approx(60, abs=0.5)
    assert row["p99_ms"] == pytest.approx(120, abs=1)
    assert row["max_ms"] == 200.5
    assert run.rows.query("SELECT count(start_ms) AS sends FROM requests")["sends"].item() == 0


def test_failures_have_no_latency_and_the_most_frequent_reason(import_file, tmp_path):
    (tmp_path / "load_failures.csv").write_text(FAILURES)
    run = import_file(STATISTICS, name="load_stats.csv")
    failed = run.rows.query("SELECT latency_ms, error, count(*) AS n FROM requests WHERE NOT ok GROUP BY ALL")
    assert failed["latency_ms"].isna().all()
    assert (failed["n"].item(), failed["error"].item()) == (10, "status 500")


def test_all_together_stand_for_themselves_without_endpoints(import_file):
    head, *_, aggregated = STATISTICS.splitlines()
    run = import_file(f"{head}\n{aggregated}\n", name="load_stats.csv")
    assert list(run.by_endpoint["endpoint"]) == ["all requests"]
    assert run.by_endpoint["requests"].item() == 1100


def test_rows_without_numbers_are_malformed(import_file):
    run = import_file(
        STATISTICS + "GET,/x,many,0\n" + "GET,/y,5,0,a,b,c,d,e,f,g" + ",z" * 11 + "\n", name="load_stats.csv"
    )
    assert (run.record["imported"]["malformed"], run.record["imported"]["first_malformed_line"]) == (2, 5)


@pytest.mark.parametrize("failures", [1001, 30_000_000_000, -1])
def test_more_failures_than_requests_are_a_malformed_row(import_file, failures):
    run = import_file(STATISTICS.replace("GET,/,1000,0,", f"GET,/,1000,{failures},"), name="load_stats.csv")
    assert (run.record["imported"]["malformed"], run.record["imported"]["first_malformed_line"]) == (1, 2)
    assert list(run.by_endpoint["endpoint"]) == ["POST /login"]


def test_failures_alone_are_not_taken_for_forged(import_file):
    run = import_file(STATISTICS.replace("GET,/,1000,0,", "GET,/,400000,400000,"), name="load_stats.csv")
    assert [*run.defects] == []
    assert run.totals["requests"] == 400_100


def test_failures_beyond_what_becomes_rows_are_refused(refused):
    many = STATISTICS.replace("GET,/,1000,0,", "GET,/,30000000,30000000,")
    refused(many, "counts 30,000,100 values", name="load_stats.csv")


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (f"Timestamp,User Count,Type,Name,Requests/s,Failures/s,{PERCENTILES},Total Request Count\n", "the history"),
        (FAILURES, "the failures"),
        ("Count,Message,Traceback,Nodes\n", "the exceptions"),
    ],
)
def test_other_files_of_locust_are_refused_by_name(refused, head, what):
    refused(head, what, "NAME_stats.csv")
