"""k6's points as JSON lines (`--out json`): each request is a point of the metric `http_req_duration`.

Its time is when the request ended. The duration has neither connecting nor TLS.
"""

from pathlib import Path
from typing import Any

from . import json_lines, staged_rows
from .import_options import ImportOptions
from .json_lines import Object
from .k6_csv import METRIC
from .result_file import ResultFile
from .staged_rows import ALL, Reading, StagedRow, endpoint, http_status, integer
from .time_stamps import epoch_us

MARK = f'"{METRIC}"'


def is_line(line: str) -> bool:
    """True for a line of such a file."""
    point = json_lines.parsed(line)
    return point is not None and point.get("type") in ("Metric", "Point") and "metric" in point


def read(source: ResultFile, folder: Path, staged: Path, options: ImportOptions) -> Reading:
    """Read the points of the metric; every other metric is left out."""
    reading = Reading()
    staged_rows.write(json_lines.rows(source, reading, _row, MARK, _is_request), staged)
    return reading


def _is_request(point: Object) -> bool:
    """False for the declaration of the metric, and for points of another one that mention it."""
    return point.get("type") != "Metric" and point.get("metric") == METRIC


def _row(point: Object) -> StagedRow | None:
    """The request of a point of the metric; None where it has no duration or no time."""
    data = point.get("data")
    if not isinstance(data, dict):
        return None
    # Since version 1, `vu` and `iter` are metadata.
    tags = {**_object(data.get("metadata")), **_object(data.get("tags"))}
    latency_us, end_us = integer(data.get("value"), 1000), epoch_us(data.get("time"))
    if latency_us is None or end_us is None:
        return None
    return _of_tags(end_us - latency_us, latency_us, {name: str(value) for name, value in tags.items()})


def _object(value: Any) -> Object:
    return value if isinstance(value, dict) else {}


def _of_tags(at_us: int, latency_us: int, tags: dict[str, str]) -> StagedRow:
    status, error = http_status(tags.get("status")), tags.get("error") or None
    by_status = status is not None and status < 400 and not error
    name = tags.get("name") or tags.get("url") or ALL
    return StagedRow(
        at_us,
        latency_us,
        endpoint(tags.get("method"), name),
        tags.get("vu"),
        status,
        tags["expected_response"] == "true" if "expected_response" in tags else by_status,
        error or (f"status {status}" if status else None),
    )
