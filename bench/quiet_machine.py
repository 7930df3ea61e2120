"""What disturbs a run on a quiet machine: the values from which the bounds of the gates are chosen.

Nothing else may run on the machine meanwhile.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from loadgen import machine_lock
from workbench.arms import BASELINE, TUNED
from workbench.errors import EXIT_INVALID, UserError
from workbench.validity import (
    DISPATCH_LAG,
    DISPATCH_LAG_TAIL,
    GENERATOR_CPU_PEAK,
    LOOP_GAP,
    OTHERS_CPU,
    OTHERS_CPU_PEAK,
    STEAL,
    Bound,
)

REPEATS, DURATION_S = 6, 20
# One core idle, none idle, and a system that is saturated beside the generator.
LOADS = (
    (TUNED, "burst-50"), (TUNED, "burst-200"), (BASELINE, "burst-50"), (TUNED, "sustained-100"), (TUNED, "open-100"),
    (TUNED, "open-400"), (BASELINE, "open-60"),
)  # fmt: skip
BOUNDS = (LOOP_GAP, DISPATCH_LAG, DISPATCH_LAG_TAIL, GENERATOR_CPU_PEAK, OTHERS_CPU, OTHERS_CPU_PEAK, STEAL)


def main() -> None:
    """Print, for each load, the values of its runs in ascending order, and the bound of each gate."""
    with tempfile.TemporaryDirectory() as folder:
        by_load = {load: [_gates(*load, folder) for _ in range(REPEATS)] for load in LOADS}
    for bound in BOUNDS:
        print(f"{bound.name}, allowed {bound.allowed}:")
        for (deployment, scenario), runs in by_load.items():
            measured = [value for run in runs if (value := run.get(bound.name)) is not None]
            if measured:
                print(f"  {f'{scenario} on {deployment}':<28} {_as_text(bound, sorted(measured))}")


def _gates(deployment: str, scenario: str, folder: str) -> dict[str, float | None]:
    """The values of the gates of one run, by name. Raises `UserError` if it is not complete."""
    command = [
        sys.executable, "-m", "loadgen", "run", "--deployment", deployment, "--scenario", scenario, "--scale", "small",
    ]  # fmt: skip
    if not scenario.startswith("burst"):
        command += ["--duration", str(DURATION_S)]
    # The bench holds the machine's lock, so that the run needs one with another name.
    environ = {**os.environ, "TRACETRACK_DATA_DIR": folder, machine_lock.VARIABLE: f"{machine_lock.NAME}-bench"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    if done.returncode not in (0, EXIT_INVALID):
        raise UserError(f"{scenario} on {deployment} did not run: {done.stderr.strip().splitlines()[-1]}")
    record = json.loads((Path(done.stdout.splitlines()[-1]) / "run.json").read_text())
    return {gate["name"]: gate["value"] for gate in record["gates"]}


def _as_text(bound: Bound, values: Sequence[float]) -> str:
    return "  ".join(bound.text(value) for value in values)
