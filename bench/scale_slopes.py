"""What a million recorded rows take in each stage after the load: the slopes from which docs/SCALE.md computes."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory

import pyarrow as pa

from loadgen.compaction import compact
from loadgen.generator.recorder import Recorder
from workbench import mergeable_frame, request_frames, seal, table_scan
from workbench.endpoints import PUBLISHED
from workbench.request_rows import RequestRows
from workbench.request_schema import COLUMNS, MEASURE, STORED, STREAMS, WRITTEN
from workbench.row_source import RowsFile, Source

from . import drawn_experiment

ROWS, STREAMED_ROWS, REPEATS = 5_000_000, 200_000, 3
MILLION, MIB = 1_000_000, 2**20
MERGED = 8  # frames


def main() -> None:
    """Print bytes a row and seconds of one core a million rows, of each stage."""
    print(f"scale: one core, medians of {REPEATS}:")
    with TemporaryDirectory() as folder:
        _print_storing(Path(folder))
    with TemporaryDirectory() as folder:
        drawn_experiment.create(Path(folder) / drawn_experiment.NAME, drawn_experiment.rows_of_runs(ROWS) // 8)
        runs = sorted((Path(folder) / drawn_experiment.NAME).glob(f"*-{drawn_experiment.LONG_SCENARIOS[0]}"))
        _print_reading(runs)


def _print_storing(folder: Path) -> None:
    """What the streams of a run take on disk, and the time in which they become Parquet."""
    recorder = Recorder(folder, lambda *row: row, on_failure=print)
    random = Random(1)
    for number in range(STREAMED_ROWS):
        recorder.add(_drawn_row(number, random))
    recorder.close()
    streamed = sum(path.stat().st_size for path in folder.glob(STREAMS))
    start_s = time.process_time()
    compact(folder)
    spent_s = time.process_time() - start_s
    print(f"  stream           {streamed / STREAMED_ROWS:.0f} bytes a row")
    stored = (folder / STORED).stat().st_size / STREAMED_ROWS
    print(f"  stored           {stored:.1f} bytes a row, {spent_s / STREAMED_ROWS * MILLION:.2f} s a million rows")


def _drawn_row(number: int, random: Random) -> tuple:
    """The values of `WRITTEN` of a request whose times are drawn, with the header that an application sends."""
    app_ms, queue_ms = random.expovariate(1 / 3), random.expovariate(1 / 2)
    pool_ms, database_ms, session_ms = (app_ms * share for share in (0.05, 0.5 * random.random(), 0.2))
    header = (
        f"queue;dur={queue_ms:.3f}, app;dur={app_ms:.3f}, pool;dur={pool_ms:.3f}, "
        f'db;dur={database_ms:.3f};desc="{number % 3}", hash;dur=0.000, cache;dur=0.040;desc="hit", '
        f'session;dur={session_ms:.3f}, trips;desc="4", worker;desc="{number % 2}"'
    )
    values = {
        "user": random.randrange(100), "sequence": number // 100, "endpoint": random.choice(PUBLISHED),
        "phase": MEASURE, "scheduled_us": number * 1000, "start_us": number * 1000 + random.randrange(900),
        "latency_us": round(1000 * (queue_ms + app_ms)) + random.randrange(300, 900), "status": 200,
        "bytes": random.randrange(200, 9000), "server_timing": header,
    }  # fmt: skip
    return tuple(values.get(name) for name in WRITTEN.names)


def _print_reading(runs: list[Path]) -> None:
    """What it takes to check the rows of a run, to make each frame of them, and to merge frames."""
    file = runs[0] / STORED
    number = RequestRows([_source(runs[0])]).query("SELECT count(*) AS n FROM requests")["n"].iloc[0]
    million = number / MILLION
    print(f"  rows of a run    {number:,}, {file.stat().st_size / number:.1f} bytes a row")
    print(f"  SHA-256          {_seconds(lambda: seal.file_digest(file)) / million:.3f} s a million rows")
    scanned_s = _seconds(lambda: table_scan.scan(file, COLUMNS, lambda schema, column: column.name in schema.names))
    print(f"  look at values   {scanned_s / million:.2f} s a million rows")
    frames = {
        "sums, counts": request_frames.CELLS,
        "latencies": request_frames.values_of("latency_us"),
        "response times": request_frames.values_of("response_us"),
    }
    for name, frame in frames.items():
        rows = RequestRows([_source(runs[0])], one_thread=True)
        spent_s = _seconds(partial(rows.merged, frame))
        size = rows.merged(frame).nbytes / MIB
        print(f"  {name:<16} {spent_s / million:.2f} s a million rows, {size:.2f} MiB")
    frame = frames["latencies"]
    parts = [RequestRows([_source(run)]).merged(frame) for run in runs[:MERGED]]
    one_run = [_with_name(part, "one") for part in parts]
    merged_s = _seconds(lambda: mergeable_frame.merged(frame, one_run))
    print(f"  merge of {len(parts)} frames of latencies: {merged_s:.2f} s")


def _with_name(part: pa.Table, name: str) -> pa.Table:
    """The frame as if it were of another run."""
    return part.set_column(0, "run", pa.array([name] * len(part), pa.string()))


def _source(run: Path) -> Source:
    columns = tuple(column.name for column in COLUMNS)
    return Source(RowsFile(run), columns, run.name, "tuned", drawn_experiment.LONG_SCENARIOS[0], 0, False)


def _seconds(function: Callable[[], object]) -> float:
    """The CPU time of a call: the median of some."""
    spent = []
    for _ in range(REPEATS):
        start_s = time.process_time()
        function()
        spent.append(time.process_time() - start_s)
    return median(spent)
