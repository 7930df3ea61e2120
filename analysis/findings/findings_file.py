"""`findings.json`: the one file of which the page, `summary.md` and `junit.xml` are views."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workbench import atomic
from workbench.errors import UserError

from .finding import Finding


def write(findings: Sequence[Finding], experiment: str, path: Path) -> None:
    """Write the findings of an experiment, given by its id; its folder is created if it is missing.

    JSON has no infinity: a value that is none, such as a percentile that reaches into dropped arrivals, becomes null,
    and `evidence` says why.
    """
    content = {"experiment": experiment, "findings": [_finite(asdict(finding)) for finding in findings]}
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _finite(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with null for each number, and for the interval with an end, that is not finite."""
    is_finite = {name: all(map(math.isfinite, _numbers(value))) for name, value in entry.items()}
    return {name: value if is_finite[name] else None for name, value in entry.items()}


def _numbers(value: object) -> list[float]:
    values = value if isinstance(value, tuple) else [value]
    return [number for number in values if isinstance(number, float)]


def read(path: Path) -> tuple[str, list[Finding]]:
    """The id of the experiment and its findings. Raises `UserError` if the file has none that this version reads."""
    try:
        content = json.loads(path.read_text())
        return content["experiment"], [_from_json(entry) for entry in content["findings"]]
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path} holds no findings of this version; run make render") from None


def _from_json(entry: Mapping[str, Any]) -> Finding:
    """The finding of one entry; JSON has turned its tuples into lists."""
    runs, interval = tuple(entry["runs"]), entry.get("interval")
    return Finding(**{**entry, "runs": runs, "interval": interval and tuple(interval)})
