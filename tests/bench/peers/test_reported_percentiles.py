"""What load generators report is read from their output; the same numbers come out of every form."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.peers import reported_percentiles

TIMES_MS = [float(n) for n in range(1, 1001)]
EXPECTED = {"p50": 500.0, "p95": 950.0, "p99": 990.0, "p99.9": 999.0}


def test_lines_of_the_script_for_wrk(tmp_path):
    log = tmp_path / "log"
    values = {"50": 500_000, "95": 950_000, "99": 990_000, "99.9": 999_000}
    lines = [f"percentile {share} {value_us}" for share, value_us in values.items()]
    log.write_text("\n".join(["Running 10s test @ http://127.0.0.1", *lines, ""]))
    assert reported_percentiles.of_wrk(log) == EXPECTED


def test_rows_of_hey(tmp_path):
    log = tmp_path / "log"
    rows = "".join(f"{ms / 1000:.4f},0.0001,0.0000,0.0000,0.0010,0.0001,200,0.0100\n" for ms in TIMES_MS)
    head = "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset\n"
    log.write_text(head + rows)
    assert reported_percentiles.of_hey(log) == pytest.approx(EXPECTED)


def test_table_of_ab_has_no_part_of_a_per_cent(tmp_path):
    table = tmp_path / "percentiles.csv"
    table.write_text("Percentage served,Time in ms\n" + "".join(f"{n},{n * 10}.000\n" for n in range(100)))
    assert reported_percentiles.of_ab(table) == {"p50": 500.0, "p95": 950.0, "p99": 990.0}


def test_json_of_autocannon_after_other_lines(tmp_path):
    log = tmp_path / "log"
    latency = {"average": 5, "p50": 500, "p99": 990, "p99_9": 999, "p99_99": 1000}
    log.write_text(f"(node:1) a warning\n{json.dumps({'latency': latency, 'errors': 0})}\n")
    assert reported_percentiles.of_autocannon(log) == {"p50": 500.0, "p99": 990.0, "p99.9": 999.0}


def test_histogram_of_locust_of_all_names(tmp_path):
    statistics = tmp_path / "statistics.json"
    halves = [TIMES_MS[:300], TIMES_MS[300:]]
    statistics.write_text(json.dumps([{"response_times": {str(int(ms)): 1 for ms in half}} for half in halves]))
    assert reported_percentiles.of_locust(statistics) == pytest.approx(EXPECTED)


def test_measured_rows_of_a_run(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    phases = ["measure"] * len(TIMES_MS) + ["drain"]
    columns = {"phase": phases, "response_us": [round(1000 * ms) for ms in TIMES_MS] + [9_000_000]}
    pq.write_table(pa.table(columns), run / "requests.parquet")
    log = tmp_path / "log"
    log.write_text(f"a line\n{run}\n")
    assert reported_percentiles.of_run(log) == pytest.approx(EXPECTED)
