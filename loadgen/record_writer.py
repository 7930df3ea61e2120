"""The record of a run, `run.json`: specification, environment, outcome, validity. Written at its start and its end."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

from workbench import atomic, seal
from workbench.record_format import FORMAT
from workbench.redaction import redacted_values
from workbench.trace_context import KEY as TRACE
from workbench.trace_context import is_requested as trace_is_requested

from . import compaction, dataset, disk_reserve, environment, generator_totals, log_redaction, run_gates
from .run_spec import RunSpec
from .scenarios import Scenario
from .services import DatabaseServer


def begin(
    directory: Path, spec: RunSpec, scenario: Scenario, deployment: dict, server: DatabaseServer | None = None
) -> dict:
    """Write the record of a run that starts, and return it; `server` is the database server, where it is known."""
    record: dict = {
        "format": FORMAT,
        "run": directory.name,
        "experiment": directory.parent.name,
        "block": spec.block,
        "position": spec.position,
        "replicate": spec.replicate,
        "deployment": deployment,
        "scenario": scenario.record(),
        "seed": spec.seed,
        "processes": spec.processes,
        "dataset": _dataset(spec.scale),
        "environment": environment.describe(server),
        "started": _now(),
        "ended": None,
        "status": "running",
        "valid": None,
        "reasons": [],
        **({TRACE: True} if trace_is_requested() else {}),
    }
    write(directory, record)
    disk_reserve.keep(directory)
    return record


def add_clock(record: dict, started_ns: int) -> None:
    """Record the wall clock (µs since 1970) at the instant of the monotonic clock from which the run's times count."""
    record["started_unix_us"] = (time.time_ns() - time.monotonic_ns() + started_ns) // 1000


def _dataset(scale: str) -> dict:
    """The scale and seed of the data, and the fingerprint where the data are the workbench's own."""
    fingerprint = {"fingerprint": dataset.fingerprint(scale)} if scale in dataset.SCALES else {}
    return {"scale": scale, "seed": dataset.SEED, **fingerprint}


def close(directory: Path, record: dict, scenario: Scenario, reason: str) -> None:
    """Make the record final, and seal the run; `reason` says why a run that is not complete ended.

    If the reserve is too small for a full disk, the record keeps the status "running"; readers take such a run for one
    that was cut off.
    """
    disk_reserve.release(directory)
    log_redaction.redact_logs(directory)
    if record["status"] == "running":
        record["status"] = "aborted"
    record["rows"] = compaction.compact(directory)
    record["discarded_timings"] = compaction.discarded_timings(directory)
    record["ended"] = _now()
    record["generator"] = generator_totals.read(directory)
    if record["rows"] == record["generator"].get("rows", 0):
        compaction.remove_streams(directory)
    _add_validity(directory, record, scenario)
    if record["status"] == "aborted":
        record["reasons"].insert(0, reason)
    record["files"] = seal.describe_run(directory)
    seal.write(directory / "run.json", _text(record))


def _add_validity(directory: Path, record: dict, scenario: Scenario) -> None:
    has_load = scenario.kind != "start" and (record.get("outcome") or {}).get("started", True)
    gates = run_gates.evaluate(directory, record, scenario) if has_load else []
    record["gates"] = [gate.record() for gate in gates]
    record["valid"] = record["status"] == "complete" and all(gate.passed is not False for gate in gates)
    record["reasons"] = [gate.reason() for gate in gates if gate.passed is False]


def write(directory: Path, record: dict) -> None:
    """Write `run.json`, or replace it, for a run that has not ended, without secrets."""
    atomic.write_text(directory / "run.json", _text(record))


def _text(record: dict) -> str:
    return json.dumps(redacted_values(record), indent=2) + "\n"


def interruption_reason(error: BaseException) -> str:
    """The first line of the error that ended a run."""
    default = "stopped by Ctrl-C" if isinstance(error, KeyboardInterrupt) else type(error).__name__
    return str(error).split("\n")[0] or default


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
