"""Small files of results whose content is known, and their import."""

import csv
import io
from pathlib import Path

from workbench.recording import Run, open_experiment, open_run

START_MS = 1_767_225_600_000  # 2026-01-01
HEADER = (
    "timeStamp", "elapsed", "label", "responseCode", "responseMessage", "threadName", "dataType", "success",
    "failureMessage", "bytes", "sentBytes", "grpThreads", "allThreads", "URL", "Latency", "IdleTime", "Connect",
)  # fmt: skip
NAME = "taken-over"


def jtl_row(number: int, elapsed: int = 20, *, label: str = "open", ok: bool = True, **changes: object) -> dict:
    """A sample by the names of JMeter's columns, sent 100 ms after the one before it."""
    code, message = ("200", "OK") if ok else ("500", "Server Error")
    return {
        "timeStamp": START_MS + 100 * number, "elapsed": elapsed, "label": label, "responseCode": code,
        "responseMessage": message, "threadName": f"Users 1-{number % 2 + 1}", "dataType": "text",
        "success": str(ok).lower(), "failureMessage": "", "bytes": 300, "sentBytes": 100, "grpThreads": 2,
        "allThreads": 2, "URL": "http://localhost/", "Latency": elapsed, "IdleTime": 0, "Connect": 1, **changes,
    }  # fmt: skip


def jtl(rows: list[dict], names: tuple[str, ...] = HEADER, delimiter: str = ",", *, header: bool = True) -> str:
    """A table of samples."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerows([names] if header else [])
    writer.writerows([row[name] for name in names] for row in rows)
    return text.getvalue()


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def run_of(tmp_path: Path) -> Run:
    """The only run of the imported experiment, which is as it was sealed."""
    experiment = open_experiment(tmp_path / "runs" / NAME, checks_digests=True)
    assert experiment.problems() == []
    (run,) = experiment.runs
    return open_run(run.directory, checks_digests=True)
