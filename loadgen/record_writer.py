"""`run.json`: what was run, on what, how it ended, and whether it can be believed; written at both ends of a run."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from workbench import validity
from workbench.record_format import FORMAT

from . import dataset, deployments, environment, scenarios
from . import locust_runner as load
from .generator import recorder
from .generator.arrivals import instants_s
from .scenarios import Scenario

MOST_COUNTED = 10_000_000


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to run. `block` and `position` tell where in an experiment's plan it stands.

    A baseline is run twice in a block, one of the two as the `replicate`; either may come first.
    `changes` are fields of the scenario that are not the named one's, see `scenarios.override`.
    """

    deployment: str
    scenario: str
    scale: str
    seed: int
    port: int | None = None
    changes: dict = field(default_factory=dict)
    processes: int = 1
    block: int = 0
    position: int = 0
    replicate: bool = False

    def load(self) -> Scenario:
        return scenarios.override(scenarios.find(self.scenario), **self.changes)

    def check(self) -> None:
        """Raise `UserError` for a name that does not exist, before anything is started."""
        deployments.find(self.deployment)
        self.load()
        dataset.find_scale(self.scale)


def run_name(order: Order) -> str:
    """The folder of an order's run within its experiment."""
    name = f"{order.block + 1}-{order.position + 1:02d}-{order.deployment}-{order.scenario}"
    return f"{name}-replicate" if order.replicate else name


def begin(directory: Path, order: Order, scenario: Scenario, deployment: dict, server=None) -> dict:
    """The record of a run that begins, written to its directory; `server` is the database server, where it is known."""
    record = {
        "format": FORMAT,
        "run": directory.name,
        "experiment": directory.parent.name,
        "block": order.block,
        "position": order.position,
        "replicate": order.replicate,
        "deployment": deployment,
        "scenario": scenario.record(),
        "seed": order.seed,
        "processes": order.processes,
        "dataset": _dataset(order.scale),
        "environment": environment.describe(server),
        "started": _now(),
        "ended": None,
        "status": "running",
        "valid": None,
        "reasons": [],
    }
    write(directory, record)
    return record


def _dataset(scale):
    """Which data it is; of what somebody else drove nothing is known."""
    known = {"fingerprint": dataset.fingerprint(scale)} if scale in dataset.SCALES else {}
    return {"scale": scale, "seed": dataset.SEED, **known}


def close(directory: Path, record: dict, scenario: Scenario, reason: str) -> None:
    """Make the record final; `reason` says why a run that did not complete ended.

    On a full disk the run stays marked as running, which readers take for cut off.
    """
    if record["status"] == "running":
        record["status"] = "aborted"
    record["rows"] = recorder.compact(directory)
    record["ended"] = _now()
    record["generator"] = load.told(directory)
    if record["rows"] == record["generator"].get("rows", 0):
        recorder.remove_streams(directory)
    gates = [] if scenario.kind == "start" else _judge(directory, record, scenario)
    record["gates"] = [gate.record() for gate in gates]
    record["valid"] = record["status"] == "complete" and all(gate.passed is not False for gate in gates)
    record["reasons"] = [gate.reason() for gate in gates if gate.passed is False]
    if record["status"] == "aborted":
        record["reasons"].insert(0, reason)
    write(directory, record)


def write(directory: Path, record: dict) -> None:
    half = directory / "run.json.half"
    half.write_text(json.dumps(record, indent=2) + "\n")
    half.rename(directory / "run.json")


def why(error: BaseException) -> str:
    """One line for what ended a run."""
    if isinstance(error, KeyboardInterrupt):
        return "stopped by Ctrl-C"
    return str(error).split("\n")[0] or type(error).__name__


def _judge(directory, record, scenario):
    readings = directory / "process.parquet"
    return validity.gates(
        pd.read_parquet(directory / "requests.parquet", columns=list(validity.COLUMNS)),
        pd.read_parquet(readings) if readings.exists() else None,
        told=record["generator"],
        processes=record["processes"],
        users=scenario.users or None,
        due=_due(record, scenario),
        expected=_expected(record, scenario),
        served=record.get("served"),
        kind=scenario.kind,
        steady=scenario.steady,
    )


def _expected(record, scenario):
    """The number of rows, where it is fixed: a task of somebody else's users sends what it likes.

    Where the scenario does not fix it, each task that was begun is one request, beside the logins beforehand.
    """
    if record["status"] != "complete" or record.get("locustfile"):
        return None
    begun = record["generator"].get("started_tasks")
    if scenario.kind in ("sustained", "open") and begun:
        return sum(begun.values()) + (scenario.users if scenario.kind == "open" else 0)
    return scenario.expected_requests()


def _due(record, scenario):
    """How many tasks an open load had, by its schedule; None of other loads, and of more than are soon counted."""
    if record["status"] != "complete" or scenario.kind != "open":
        return None
    if sum(piece.requests for piece in scenario.pieces) > MOST_COUNTED:
        return None
    return sum(1 for _ in instants_s(scenario.pieces, scenario.arrivals, f"{record['seed']}/arrivals"))


def _now():
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
