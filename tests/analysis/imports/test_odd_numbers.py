"""Numbers that no tool should write: they cost their row, or are null, and never the file."""

import pytest

from analysis.imports.staged_rows import http_status, integer
from tests.analysis.imports.result_files import jtl, jtl_row
from tests.analysis.imports.test_k6_points import HEADER, START_S, csv_point
from tests.analysis.imports.test_vegeta_results import csv_row

ODD = ("NaN", "+Inf", "-inf", "1e300", "99999999999999999999999")
LOCUST = "timestamp,request_type,name,response_time_ms,response_length,status_code,exception\r\n"


def locust(number, stamp="", time="20.5", size="300", status="200"):
    return f"{stamp or 1767225600 + number},GET,/,{time},{size},{status},\r\n"


def read(run):
    """Rows, malformed lines and the first of them, of a run that can be read."""
    origin = run.record["imported"]
    assert run.is_valid()
    assert run.requests["start_ms"].between(0, 86_400_000).all()
    return len(run.requests), origin["malformed"], origin["first_malformed_line"]


@pytest.mark.parametrize("odd", [*ODD, "9223372036854775807", "9223000000000000"])
def test_an_odd_elapsed_time_of_jmeter_costs_its_row(import_file, odd):
    rows = [jtl_row(n) for n in range(200)]
    assert read(import_file(jtl([*rows, jtl_row(200, elapsed=odd)]))) == (200, 1, 202)


@pytest.mark.parametrize("odd", [*ODD, "9223372036854775807"])
def test_an_odd_duration_of_k6_costs_its_row(import_file, odd):
    text = HEADER + "".join(csv_point(START_S + n, 20) for n in range(200)) + csv_point(START_S, odd)
    assert read(import_file(text)) == (200, 1, 202)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("column", ["stamp", "time"])
def test_an_odd_number_of_locust_costs_its_row(import_file, odd, column):
    text = LOCUST + "".join(locust(n) for n in range(200)) + locust(3, **{column: odd})
    count, malformed, first = read(import_file(text))
    assert (count, malformed) == (200, 1)
    assert first in (202, None)  # null where it is a number, and of no time of ours


@pytest.mark.parametrize("odd", [*ODD, "-5"])
def test_an_odd_size_is_null(import_file, odd):
    run = import_file(LOCUST + "".join(locust(n) for n in range(200)) + locust(200, size=odd))
    assert read(run) == (201, 0, None)
    assert list(run.requests["bytes"].isna()).count(True) == 1


def test_an_odd_size_of_jmeter_is_null(import_file):
    run = import_file(jtl([*(jtl_row(n) for n in range(200)), jtl_row(200, bytes="many")]))
    assert read(run) == (201, 0, None)
    assert list(run.requests["bytes"].isna()).count(True) == 1


def test_an_odd_latency_of_vegeta_is_no_measurement(import_file):
    text = "".join(csv_row(n) for n in range(200)) + csv_row(200, latency_ns=2**63 - 1) + csv_row(201, code=-1)
    run = import_file(text + csv_row(202, latency_ns=2**63))
    assert read(run) == (202, 1, 203)
    assert list(run.requests["latency_ms"].isna()).count(True) == 1
    assert run.record["ended"] < "2026-01-02"


@pytest.mark.parametrize("tool", ["jmeter", "k6", "locust"])
@pytest.mark.parametrize(
    ("code", "status"),
    [("-1", None), ("0", None), ("99", None), ("100", 100), ("599", 599), ("600", None), ("20000", None),
     ("1e300", None), ("NaN", None), ("none", None), (" 200 ", 200)],
)  # fmt: skip
def test_a_status_is_one_of_http_in_every_table(import_file, tool, code, status):
    text = {
        "jmeter": jtl([jtl_row(0, responseCode=code), jtl_row(1)]),
        "k6": HEADER + csv_point(START_S, 20, status=code) + csv_point(START_S + 1, 20),
        "locust": LOCUST + locust(0, status=code) + locust(1),
    }[tool]
    assert import_file(text).requests["status"].fillna(0).tolist() == [status or 0, 200]
    assert http_status(code) == status


@pytest.mark.parametrize(
    ("elapsed", "latency_ms"), [("12.7", 13), ("1e3", 1000), ("1_000", 1000), (" 7 ", 7), ("0x10", None)]
)
def test_a_loose_number_is_what_other_formats_take_it_for(import_file, elapsed, latency_ms):
    run = import_file(jtl([jtl_row(0, elapsed=elapsed), *(jtl_row(n) for n in range(1, 200))]))
    assert run.record["imported"]["malformed"] == (latency_ms is None)
    assert integer(elapsed) == latency_ms
    assert run.requests["latency_ms"].iloc[0] == latency_ms or latency_ms is None


def test_a_latency_beyond_all_bounds_does_not_move_the_end_of_a_run(import_file):
    run = import_file(jtl([jtl_row(0), jtl_row(1, elapsed=40 * 86_400_000)]))
    assert run.record["ended"] == "2026-01-01T00:00:00.100Z"


@pytest.mark.parametrize("stamps", [("1767225600.25", "1767225601.00"), ("1767225600250.0", "1767225601000.5")])
def test_a_stamp_of_k6_may_have_a_fraction(import_file, stamps):
    run = import_file(HEADER + "".join(csv_point(stamp, "50") for stamp in stamps))
    assert run.requests["start_ms"].tolist() == pytest.approx([0, 750], abs=0.5)


def test_a_stamp_of_k6_in_no_known_form_is_refused(refused):
    refused(HEADER + csv_point("yesterday", 20), "'yesterday'", "K6_CSV_TIME_FORMAT")
