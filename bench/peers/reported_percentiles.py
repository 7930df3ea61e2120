"""What each load generator reports of its response times: the percentiles of `QUANTILES` in ms, from its output.

A percentile that it does not report is left out. Readers raise `ValueError`, `KeyError` or `OSError` where the output
is not as expected.
"""

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workbench.request_schema import MEASURE, STORED

from .planned_load import QUANTILES, percentiles_ms

Percentiles = dict[str, float]
WRK_LINE = re.compile(r"^percentile ([\d.]+) (\d+)$", re.MULTILINE)


def of_wrk(log: Path) -> Percentiles:
    """Of `percentiles.lua`, in µs."""
    return {f"p{share}": int(value_us) / 1000 for share, value_us in WRK_LINE.findall(log.read_text())}


def of_ab(table: Path) -> Percentiles:
    """Of the table of `ab -e`: a row for each whole per cent, in ms."""
    with table.open() as lines:
        by_share = {row[0]: row[1] for row in csv.reader(lines)}
    return {name: float(by_share[name.removeprefix("p")]) for name in ("p50", "p95", "p99")}


def of_hey(log: Path) -> Percentiles:
    """Of the rows of `hey -o csv`, in seconds: its summary ends at p99."""
    with log.open() as lines:
        return percentiles_ms([float(row["response-time"]) for row in csv.DictReader(lines)])


def of_autocannon(log: Path) -> Percentiles:
    """Of the JSON of `autocannon -j`, in whole ms; it has no p95."""
    result = next(line for line in log.read_text().splitlines() if line.startswith("{"))
    latency_ms = json.loads(result)["latency"]
    keys = {name: name.replace(".", "_") for name in QUANTILES}
    return {name: float(latency_ms[key]) for name, key in keys.items() if key in latency_ms}


def of_locust(statistics: Path) -> Percentiles:
    """Of the histogram in `locust --json-file`, in rounded ms."""
    counts: Counter[float] = Counter()
    for entry in json.loads(statistics.read_text()):
        counts.update({float(value_ms): count for value_ms, count in entry["response_times"].items()})
    return percentiles_ms([value_ms / 1000 for value_ms in counts.elements()])


def of_run(log: Path) -> Percentiles:
    """Of the request rows of the run whose directory is the last line that `loadgen run` printed."""
    directory = Path(log.read_text().splitlines()[-1])
    measured = pc.field("phase") == MEASURE
    rows: pd.DataFrame = pq.read_table(directory / STORED, columns=["response_us"], filters=measured).to_pandas()
    return percentiles_ms((rows["response_us"] / 1e6).tolist())
