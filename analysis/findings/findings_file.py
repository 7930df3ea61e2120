"""`findings.json`: the one file of which the page, `summary.md` and `junit.xml` are views.

Its schema is `docs/findings.schema.json`.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from workbench import atomic
from workbench.errors import UserError
from workbench.recording import Experiment

from .finding import Finding

NAME = "findings.json"
VERSION = 2  # of the schema; the first one had no number
MACHINE = ("cpu_model", "cpu_count", "memory_bytes")


class StoredFindings(NamedTuple):
    """The content of the file: findings with the id of their experiment, and the SHA-256 of its record, if sealed."""

    experiment: str
    digest: str | None
    findings: list[Finding]


def write(findings: Sequence[Finding], experiment: Experiment, path: Path) -> None:
    """Write the findings of an experiment; the folder of the file is created if it is missing.

    JSON has no infinity: a value that is none, such as a percentile that reaches into dropped arrivals, becomes null,
    and `evidence` says why.
    """
    environment = experiment.record["environment"]
    content = {
        "schema_version": VERSION,
        "experiment": experiment.name,
        "digest": experiment.digest,
        "machine": {name: environment[name] for name in MACHINE},
        "findings": [_finite(asdict(finding)) for finding in findings],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def as_stored(findings: Sequence[Finding]) -> list[Finding]:
    """The findings as they are read after they were written."""
    return [_from_json(_finite(asdict(finding))) for finding in findings]


def _finite(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with null for each number, and for the interval with an end, that is not finite."""
    is_finite = {name: all(map(math.isfinite, _numbers(value))) for name, value in entry.items()}
    return {name: value if is_finite[name] else None for name, value in entry.items()}


def _numbers(value: object) -> list[float]:
    values = value if isinstance(value, tuple) else [value]
    return [number for number in values if isinstance(number, float)]


def read(path: Path) -> tuple[str, list[Finding]]:
    """The id of the experiment and its findings; raises as `load` does."""
    stored = load(path)
    return stored.experiment, stored.findings


def read_for(experiment: Experiment, path: Path) -> list[Finding]:
    """The findings of an experiment. Raises `UserError` where the file has those of another one or an older state."""
    stored = load(path)
    if (stored.experiment, stored.digest) != (experiment.name, experiment.digest):
        raise UserError(f"{path} has the findings of another experiment than {experiment.name}: run 02-analyse on it")
    return stored.findings


def load(path: Path) -> StoredFindings:
    """Read the file. Raises `UserError` if it has no findings that this version reads."""
    try:
        content = json.loads(path.read_text())
        if content["schema_version"] != VERSION:
            raise ValueError("another version")
        findings = [_from_json(entry) for entry in content["findings"]]
        return StoredFindings(str(content["experiment"]), content["digest"], findings)
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path} holds no findings of this version; run make render") from None


def _from_json(entry: Mapping[str, Any]) -> Finding:
    """The finding of one entry; JSON has turned its tuples into lists."""
    runs, interval = tuple(entry["runs"]), entry.get("interval")
    return Finding(**{**entry, "runs": runs, "interval": interval and tuple(interval)})
