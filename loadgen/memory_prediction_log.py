"""Predictions of the memory of runs under a limit, each written to a file before its run.

The costs come from an earlier run of the experiment, of another deployment with the same kind of processes.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analysis.capacity.memory_budget import MemoryCosts, calibrate, connections_of, hashes_in_flight
from analysis.capacity.memory_predictions import MemoryPrediction, memory_path
from reference_app.passwords import MEMORY_BYTES
from workbench import atomic
from workbench.errors import RecordingError
from workbench.recording import Run, open_run

from . import deployments
from .run_spec import RunSpec

# Settings on which the memory of a process depends.
SAME = ("server", "preload", "driver", "warm_up", "cache", "sessions", "pool", "password_hash")


def record(spec: RunSpec, directory: Path) -> None:
    """Write the prediction of the run that will be in `directory`, if its memory is limited and a run gives the costs.

    A file that is there already stays as it is.
    """
    settings = deployments.settings_for(spec.deployment, scale=spec.scale).public()
    path = memory_path(directory.parent, directory.name)
    if not settings["memory_limit_mib"] or spec.scenario == "start" or path.exists() or directory.exists():
        return
    costs = next(_costs(directory.parent, spec, settings), None)
    if costs is None:
        return
    content = MemoryPrediction(
        run=directory.name,
        written=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        base=costs.base,
        limit_mib=settings["memory_limit_mib"],
        peak_bytes=_peak_bytes(costs, settings, spec.load().users),
    )
    path.parent.mkdir(exist_ok=True)
    atomic.write_text(path, json.dumps(asdict(content), indent=2) + "\n")


def _peak_bytes(costs: MemoryCosts, settings: dict[str, Any], users: int) -> float:
    """The peak with a hash in flight wherever there can be one: a load that begins with the logins of all users."""
    workers, hash_bytes = settings["workers"], MEMORY_BYTES[settings["password_hash"]]
    connections = min(workers * connections_of(settings), users)
    return costs.peak_bytes(workers, hashes_in_flight(settings), hash_bytes, connections)


def _costs(experiment: Path, spec: RunSpec, settings: dict[str, Any]) -> Iterator[MemoryCosts]:
    """The costs by each run of the experiment that gives them: under this scenario first, then the earliest first."""
    alike = (run for run in _alike_runs(experiment, settings) if run.deployment != spec.deployment)
    for run in sorted(alike, key=lambda run: run.scenario != spec.scenario):
        if costs := calibrate(run):
            yield costs


def _alike_runs(experiment: Path, settings: dict[str, Any]) -> Iterator[Run]:
    """The runs with the same kind of processes, the earliest first."""
    for path in sorted(experiment.glob("*/run.json")):
        try:
            run = open_run(path.parent)
        except RecordingError:
            continue
        if _is_alike(run, settings):
            yield run


def _is_alike(run: Run, settings: dict[str, Any]) -> bool:
    """The run has the same kind of processes; the rest, such as their number, is what the model is for."""
    recorded = run.record["deployment"]["settings"]
    return all(recorded.get(name) == settings[name] for name in SAME)
