"""Rows on their way to the disk: batches, kills, failed writes, and the one file that is made of the streams."""

import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from loadgen.compaction import compact, remove_streams
from loadgen.generator import recorder
from loadgen.generator.recorder import ROWS_PER_BATCH, Recorder
from tests.timings import server_timing
from workbench import table_scan
from workbench.paths import REPOSITORY
from workbench.request_schema import COLUMNS, SCHEMA, STREAMS, WRITTEN
from workbench.request_stream import read_stream

WRITER = """
import sys, time
from pathlib import Path
from loadgen.generator.recorder import Recorder
from workbench.request_schema import WRITTEN
recorder = Recorder(Path(sys.argv[1]), lambda *row: row, print)
for number in range(int(sys.argv[2])):
    values = {"user": 0, "sequence": number, "endpoint": "login", "phase": "measure", "latency_us": 5, "status": 302}
    values |= {"scheduled_us": number, "start_us": number, "bytes": 0}
    recorder.add(tuple(values.get(name) for name in WRITTEN.names))
print("written", flush=True)
time.sleep(60)
"""


def row(number, **more):
    given = {"user": 1, "sequence": number, "endpoint": "search", "phase": "measure", "scheduled_us": number}
    given |= {"start_us": number, "latency_us": 7} | more
    return tuple(given.get(name) for name in WRITTEN.names)


def unchanged(*row):
    return row


def rows(path):
    return sum(batch.num_rows for batch in read_stream(path))


@pytest.fixture
def record(tmp_path, monkeypatch):
    """Write rows as a process of this id would."""

    def write(pid, numbers):
        monkeypatch.setattr(recorder.os, "getpid", lambda: pid)
        written = Recorder(tmp_path, unchanged, pytest.fail)
        for number in numbers:
            written.add(row(number))
        written.close()
        return written

    return write


def test_killed_writer_loses_no_more_than_the_last_batch(tmp_path):
    number = 2 * ROWS_PER_BATCH + 7
    command = [sys.executable, "-c", WRITER, str(tmp_path), str(number)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as writer:
        assert writer.stdout.readline() == "written\n"
        writer.kill()
    (path,) = tmp_path.glob(STREAMS)
    assert rows(path) == 2 * ROWS_PER_BATCH
    assert compact(tmp_path) == 2 * ROWS_PER_BATCH
    assert pq.read_table(tmp_path / "requests.parquet")["sequence"].to_pylist() == list(range(2 * ROWS_PER_BATCH))


def test_read_stream_leaves_out_a_torn_end(tmp_path, record):
    path = record(1, range(3 * ROWS_PER_BATCH)).path
    whole = path.read_bytes()
    counted = set()
    for length in range(0, len(whole), 997):
        path.write_bytes(whole[:length])
        counted.add(rows(path))
    assert counted <= {0, ROWS_PER_BATCH, 2 * ROWS_PER_BATCH, 3 * ROWS_PER_BATCH}
    assert {0, 2 * ROWS_PER_BATCH} <= counted


def test_compact_makes_one_file_of_several_streams(tmp_path, record):
    record(11, range(0, 1200, 2))
    record(12, range(1, 1200, 2))
    assert len(list(tmp_path.glob(STREAMS))) == 2
    assert compact(tmp_path) == 1200
    table = pq.read_table(tmp_path / "requests.parquet")
    assert table.schema.equals(SCHEMA)
    assert sorted(table["start_us"].to_pylist()) == list(range(1200))
    assert len(list(tmp_path.glob(STREAMS))) == 2
    remove_streams(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["requests.parquet"]


def test_compact_without_streams_makes_an_empty_file(tmp_path):
    assert compact(tmp_path) == 0
    assert pq.read_table(tmp_path / "requests.parquet").schema.equals(SCHEMA)


def test_values_that_were_not_measured_are_null(tmp_path, record):
    (batch,) = filter(len, read_stream(record(1, [5]).path))
    (kept,) = batch.to_pylist()
    assert {name: value for name, value in kept.items() if value is not None} == {
        "user": 1, "sequence": 5, "endpoint": "search", "phase": "measure", "scheduled_us": 5, "start_us": 5,
        "latency_us": 7, "response_us": 7, "ok": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("column", "value", "stored"),
    [
        ("bytes", -1, None), ("bytes", 2**40, None), ("bytes", "12", None), ("latency_us", -5, None),
        ("latency_us", 31 * 86_400 * 10**6, None), ("latency_us", float("nan"), None), ("start_us", -(2**62), 0),
        ("status", 70_000, None), ("status", -1, None), ("endpoint", 7, "7"),
    ],
)  # fmt: skip
def test_a_value_that_no_reader_would_take_costs_that_value_and_not_the_run(tmp_path, column, value, stored):
    written = Recorder(tmp_path, unchanged, pytest.fail)
    written.add(row(0))
    written.add(row(1, **{column: value}))
    written.close()
    assert written.replaced_values == 1
    compact(tmp_path)
    table = pq.read_table(tmp_path / "requests.parquet")
    assert table[column].to_pylist()[1] == stored
    scanned = table_scan.scan(tmp_path / "requests.parquet", COLUMNS, lambda schema, wanted: True)
    assert (scanned.rows, dict(scanned.impossible)) == (2, {})


def test_flush_writes_the_pending_rows(tmp_path):
    written = Recorder(tmp_path, unchanged, pytest.fail)
    written.add(row(1))
    assert rows(written.path) == 0
    written.flush()
    written.flush()
    assert rows(written.path) == 1
    written.close()
    assert written.rows == 1


def test_failed_write_is_reported_once(tmp_path, monkeypatch):
    reasons = []
    written = Recorder(tmp_path, unchanged, reasons.append)

    class FullDisk:
        def write_batch(self, batch, custom_metadata):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(written, "_stream", FullDisk())
    for number in range(3):
        written.add(row(number))
        written.flush()
    written.close()
    assert reasons == ["the rows could not be written: No space left on device"]
    assert written.rows == 3
    assert written._file.closed


def test_server_timing_fills_its_columns():
    header = (
        'queue;dur=1.5, app;dur=12.345, pool;dur=0.010, db;dur=2.000;desc="3", hash;dur=0.000, '
        'cache;dur=0.100;desc="hit", session;dur=0.2, worker;desc="1"'
    )
    assert server_timing(header) == {
        "queue_us": 1500, "app_us": 12345, "pool_us": 10, "db_us": 2000, "db_calls": 3, "hash_us": 0,
        "cache_us": 100, "cache": "hit", "session_us": 200, "worker": 1,
    }  # fmt: skip


@pytest.mark.parametrize("header", [None, "", "other;dur=3", "nonsense", ";;,,==", 'worker;desc="x"'])
def test_server_timing_without_known_metrics_leaves_columns_null(header):
    assert server_timing(header) == {}


def test_columns_without_a_metric_in_the_header_are_null():
    assert server_timing("app;dur=1") == {"app_us": 1000}
