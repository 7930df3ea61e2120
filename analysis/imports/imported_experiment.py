"""Writing an experiment of results that other tools measured: whole, sealed, or not at all."""

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench import atomic, imported, primary_metrics, seal
from workbench.declared_arms import KEY as COMPARISON
from workbench.errors import UserError
from workbench.primary_metrics import PrimaryMetric
from workbench.record_format import FORMAT
from workbench.run_record import FILES
from workbench.verdicts import COMPLETE

from . import imported_run
from .import_options import ImportOptions
from .imported_run import RunIdentity
from .result_arms import ResultArm

PRIMARY_METRIC = "mean_ms"  # what compared arms get a verdict on
FOLDER_MODE = 0o777  # less the umask


def new_name() -> str:
    """An id from the time."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{imported.PROFILE}"


def write(
    name: str, arms: Sequence[ResultArm], scenario: str, options: ImportOptions, runs: Path
) -> list[dict[str, Any]]:
    """Write the experiment below `runs`, and return the records of its runs, block by block.

    Raises `UserError` where it is there already, and for a file that cannot be read; then nothing is written.
    """
    directory = runs / name
    if directory.exists():
        raise _is_there(directory)
    with _in_one_step(directory) as partial:
        records: list[dict[str, Any]] = []
        for block, arm, path in _in_order(arms):
            identity = RunIdentity(name, arm.name, scenario, block, len(records))
            records.append(imported_run.write(path, identity, partial / identity.run, options))
        seal.write(partial / FILES["experiment"], json.dumps(_record(name, records, partial), indent=2) + "\n")
    return records


@contextmanager
def _in_one_step(directory: Path) -> Iterator[Path]:
    """Yield a folder that takes the name of a directory at the end of the block, and is removed after an error."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{directory.name}-", suffix=atomic.SUFFIX, dir=directory.parent))
    try:
        yield partial
        umask = os.umask(0)
        os.umask(umask)
        partial.chmod(FOLDER_MODE & ~umask)
        _rename(partial, directory)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _rename(partial: Path, directory: Path) -> None:
    try:
        partial.rename(directory)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise
        raise _is_there(directory) from None  # another import of the same name has ended first


def _is_there(directory: Path) -> UserError:
    return UserError(f"{directory} is there already, and experiments are never changed; choose another --experiment")


def _in_order(arms: Sequence[ResultArm]) -> Iterator[tuple[int, ResultArm, Path]]:
    """Yield block, arm and file, block by block."""
    for block in sorted({block for arm in arms for block in arm.files}):
        yield from ((block, arm, arm.files[block]) for arm in arms if block in arm.files)


def _record(name: str, runs: Sequence[Mapping[str, Any]], partial: Path) -> dict[str, Any]:
    sources = {run["deployment"]["name"]: run["deployment"]["source"] for run in reversed(runs)}
    arms = list(dict.fromkeys(run["deployment"]["name"] for run in runs))
    _require_one_tool(runs)
    scenario = runs[0]["scenario"]["name"]
    primary = [PrimaryMetric(PRIMARY_METRIC, scenario, tuple(arms[1:]))] if len(arms) > 1 else []
    return {
        "format": FORMAT, "experiment": name, "profile": imported.PROFILE, "scale": None, "seed": None,
        "runs": [{"run": run["run"]} for run in runs], "searches": [], "probes": [], "status": COMPLETE,
        "environment": imported_run.UNKNOWN_MACHINE,
        imported.KEY: {"tool": ", ".join(dict.fromkeys(run[imported.KEY]["tool"] for run in runs)), "at": _now()},
        COMPARISON: {
            "arms": [{"name": arm, **sources[arm]} for arm in arms],
            "scenarios": [scenario], "blocks": len({run["block"] for run in runs}),
        },
        primary_metrics.KEY: primary_metrics.to_record(primary),
        "files": {f"{run['run']}/{FILES['run']}": seal.describe(partial / run["run"] / FILES["run"]) for run in runs},
    }  # fmt: skip


def _require_one_tool(runs: Sequence[Mapping[str, Any]]) -> None:
    """Raise `UserError` for an arm with results of two tools, whose times are not defined alike."""
    tools: dict[str, str] = {}
    for run in runs:
        arm, tool = run["deployment"]["name"], run[imported.KEY]["tool"]
        if tools.setdefault(arm, tool) != tool:
            raise UserError(f"arm {arm} has results of {tools[arm]} and of {tool}; an arm is measured by one tool")


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}Z"
