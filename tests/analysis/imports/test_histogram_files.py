"""Percentiles and logs of HdrHistogram, and the output of wrk2: units, representatives, what is damaged."""

import base64
import struct
import zlib

import pytest

from workbench.imported import FAILURES, SENDS, STATUSES, VALUES

HGRM = """       Value     Percentile TotalCount 1/(1-Percentile)

       1.000 0.000000000000          1           1.00
       2.000 0.500000000000        500           2.00
       4.000 0.750000000000        750           4.00
      10.000 0.900000000000        900          10.00
      50.000 0.990000000000        990         100.00
     100.000 1.000000000000       1000
#[Mean    =        4.000, StdDeviation   =        9.000]
#[Max     =      100.000, Total count    =         1000]
#[Buckets =           27, SubBuckets     =         2048]
"""
WRK2 = "Running 30s test @ http://127.0.0.1:8080/\n  2 threads and 100 connections\n\n  Detailed Percentile spectrum:\n"


def zigzag(number):
    """A number as ZigZag LEB128."""
    value, out = (number << 1) ^ (number >> 63), bytearray()
    while value >= 0x80 and len(out) < 8:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def encoded(numbers, digits=3):
    """A compressed histogram: counts of the intervals from 0, a negative number for so many empty ones."""
    payload = b"".join(map(zigzag, numbers))
    plain = struct.pack(">iiiiqqd", 0x1C849313, len(payload), 0, digits, 1, 3_600_000, 1.0) + payload
    packed = zlib.compress(plain)
    return base64.b64encode(struct.pack(">ii", 0x1C849314, len(packed)) + packed).decode()


def log(*histograms, tag=""):
    lines = [f"{tag}{second}.000,1.000,2.5,{each}\n" for second, each in enumerate(histograms)]
    return '#[Histogram log format version 1.3]\n"StartTimestamp","Interval_Length"\n' + "".join(lines)


def test_percentiles_give_the_listed_values_the_mean_and_the_extremes(import_file):
    run = import_file(HGRM, "--unit", "ms")
    (row,) = run.by_endpoint.to_dict("records")
    assert row["requests"] == 1000
    assert (row["min_ms"], row["max_ms"]) == (pytest.approx(1, abs=0.01), 100)
    assert row["mean_ms"] == pytest.approx(4, abs=0.001)
    assert row["median_ms"] == pytest.approx(2, abs=0.01)
    assert row["p99_ms"] == pytest.approx(50, abs=1)
    assert run.record["imported"]["unknown"] == [SENDS, VALUES, STATUSES, FAILURES]
    assert run.is_valid()


@pytest.mark.parametrize(("unit", "max_ms"), [("ns", 0.0001), ("us", 0.1), ("s", 100_000)])
def test_the_unit_is_that_of_the_option(import_file, unit, max_ms):
    run = import_file(HGRM, "--unit", unit)
    assert run.by_endpoint["max_ms"].item() == pytest.approx(max_ms, abs=0.0005)


def test_a_unit_that_is_not_known_is_asked_for(refused):
    refused(HGRM, "does not say the unit", "--unit ns, us, ms, s")


def test_wrk2_prints_milliseconds_and_another_unit_is_refused(import_file, refused):
    refused(WRK2 + HGRM, "wrk2", "ms", "--unit is us", options=("--unit", "us"))
    run = import_file(WRK2 + HGRM + "----------\n  1000 requests in 30.00s, 1.00MB read\n")
    assert run.by_endpoint["max_ms"].item() == 100
    assert run.record["imported"]["malformed"] == 0


def test_of_two_tables_the_first_is_read_and_the_run_says_so(import_file):
    run = import_file(WRK2 + HGRM + "-----\n\n  Detailed Percentile spectrum:\n" + HGRM)
    assert run.totals["requests"] == 1000
    assert run.record["imported"]["notes"][-1] == "only the first table was read, and not that of line 19"


def test_percentiles_without_their_end_are_cut_off(import_file):
    run = import_file("".join(HGRM.splitlines(keepends=True)[:5]), "--unit", "ms")
    assert run.record["imported"]["truncated"]
    assert run.by_endpoint["requests"].item() == 750


def test_percentiles_as_csv_are_known(import_file):
    text = '"Value","Percentile","TotalCount","1/(1-Percentile)"\n1.5,0.0,1,1.0\n2.5,0.5,10,2.0\n9.5,1.0,20,Infinity\n'
    run = import_file(text, "--unit", "ms")
    assert (run.by_endpoint["requests"].item(), run.by_endpoint["max_ms"].item()) == (20, 9.5)
    assert not run.record["imported"]["truncated"]


def test_percentiles_as_csv_without_that_of_all_are_cut_off(import_file):
    text = '"Value","Percentile","TotalCount","1/(1-Percentile)"\n1.5,0.0,1,1.0\n2.5,0.5,10,2.0\n'
    assert import_file(text, "--unit", "ms").record["imported"]["truncated"]


def test_a_log_adds_up_its_intervals(import_file):
    # Value 1000 twice, then value 1000 once and 3000 (an interval of two, 3000 and 3001) four times.
    run = import_file(log(encoded([-1000, 2]), encoded([-1000, 1, -1523, 4])), "--unit", "us")
    counts = run.rows.query("SELECT latency_us, count(*) AS number FROM requests GROUP BY 1 ORDER BY 1")
    assert counts["latency_us"].tolist() == [1000, 3001]
    assert counts["number"].tolist() == [3, 4]
    assert run.requests["start_ms"].isna().all()


def test_each_tag_of_a_log_is_an_endpoint(import_file):
    text = log(encoded([0, 5])) + log(encoded([0, 7]), tag="Tag=writes,").splitlines()[-1] + "\n"
    run = import_file(text, "--unit", "us")
    assert dict(zip(run.by_endpoint["endpoint"], run.by_endpoint["requests"], strict=True)) == {
        "all requests": 5,
        "writes": 7,
    }


@pytest.mark.parametrize("form", ["perfetto", "otlp", "openmetrics"])
def test_an_export_that_needs_times_is_refused_in_one_line(import_file, command, tmp_path, form):
    run = import_file(HGRM, "--unit", "ms")
    result = command("export", str(run.directory), "--format", form, "--output", str(tmp_path / "out"))
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "imported without times of send" in line
    assert command("export", str(run.directory), "--format", "hgrm").exit_code == 0


def test_a_log_of_a_million_equal_values_can_be_read(import_file):
    run = import_file(log(encoded([-1000, 1_000_000])), "--unit", "us")
    assert run.is_valid()
    assert run.totals["requests"] == 1_000_000


def test_more_values_than_become_rows_are_refused(refused, monkeypatch):
    monkeypatch.setattr("analysis.imports.value_rows.MAX_VALUES", 100)
    refused(log(encoded([0, 101])), "counts 101 values", "a shorter time", options=("--unit", "us"))


@pytest.mark.parametrize(
    "damaged",
    ["HISTFAAA", encoded([0, 5])[:-8], base64.b64encode(struct.pack(">ii", 0x1C849302, 4) + b"1234").decode(), "HISTé"],
)
def test_a_damaged_histogram_is_a_malformed_line(import_file, damaged):
    run = import_file(log(*[encoded([0, 5])] * 100, damaged), "--unit", "us")
    origin = run.record["imported"]
    assert (origin["malformed"], origin["first_malformed_line"]) == (1, 103)
    assert run.totals["requests"] == 500


def test_a_log_of_an_older_encoding_is_refused_by_name(refused):
    old = base64.b64encode(struct.pack(">ii", 0x1C849302, 4) + b"1234").decode()
    refused(log(old), "another encoding than V2", "convert it", options=("--unit", "us"))
