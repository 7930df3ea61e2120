"""A checkout: another working tree of this project, whose application serves with its own code.

Load generator, analysis and database server stay the workbench's own. The database is made with the checkout's schema.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from instrumentation.worker_metrics import FIXED_FIELDS
from reference_app.role_grants import GRANTS
from reference_app.settings import Settings
from workbench import declared_arms
from workbench.declared_arms import CHECKOUT, SOURCE
from workbench.errors import UserError

from . import dataset, deployments, environment
from .app_code import OWN, AppCode
from .run_spec import RunSpec

PROBE = Path(__file__).with_name("checkout_probe.py")
PROBE_TIMEOUT_S = 60
OWN_PYTHON = Path(".venv", "bin", "python")
PLACEHOLDERS = {"database_url": "postgresql://127.0.0.1/none", "secret_key": "0123456789abcdef" * 2}
START_SIGNAL = b"TRACETRACK_START_SIGNAL"
# Settings that a run decides; the application of a checkout needs them as well.
OF_A_RUN = ("run_token", "readings_file", "samples_file", "login_throttle")
CODE = ("commit", "dirty", "changes")


@dataclass(frozen=True)
class Checkout:
    """The code of a checkout, and the facts of it that a record keeps."""

    name: str
    code: AppCode
    facts: Mapping[str, Any]

    @classmethod
    def inspect(cls, name: str, folder: Path, deployment: str) -> "Checkout":
        """Look at a folder before anything is measured, for an arm of this name.

        Raises `UserError` where it is no checkout, or its application cannot be served as this deployment.
        """
        _require_checkout(name, folder)
        python = folder / OWN_PYTHON if os.access(folder / OWN_PYTHON, os.X_OK) else Path(sys.executable)
        settings = deployments.settings_for(deployment, **PLACEHOLDERS)
        probed = _probed(name, folder, python, settings)
        _require_fitting(name, folder, probed, settings, deployment)
        schema = folder / "reference_app" / "schema"
        is_own = dataset.schema_digest(schema) == dataset.schema_digest()
        code = AppCode(
            folder,
            str(python),
            dataset.SCHEMA if is_own else schema,
            tuple(probed["counters"]),
            tuple(probed["grants"] or GRANTS),
            any(START_SIGNAL in path.read_bytes() for path in (folder / "reference_app").glob("*.py")),
        )
        return cls(name, code, _facts(folder, python, schema, probed))

    def require_unchanged(self) -> None:
        """Raise `UserError` where its code is not what it was when the experiment began."""
        now = environment.code(self.code.folder)
        if any(now[fact] != self.facts[fact] for fact in CODE):
            raise UserError(f"checkout {self.name} ({self.code.folder}) was changed since the experiment began; "
                            "measure anew")  # fmt: skip

    def record(self) -> dict[str, Any]:
        """The source of its runs."""
        return {"kind": CHECKOUT, **self.facts}


@dataclass(frozen=True)
class Codes:
    """The code of each run: that of the checkout of its arm, or the workbench's own."""

    checkouts: Mapping[str, Checkout] = field(default_factory=dict)

    def of(self, spec: RunSpec) -> AppCode:
        """The code that serves in a run."""
        return self.checkouts[spec.arm].code if spec.arm in self.checkouts else OWN

    def source(self, spec: RunSpec) -> dict:
        """The source of a run, for its record; empty for a run of a deployment by its own name.

        Raises `UserError` for a checkout that was changed since it was looked at.
        """
        if spec.arm not in self.checkouts:
            return {SOURCE: declared_arms.of_deployment(spec.deployment)} if spec.arm else {}
        self.checkouts[spec.arm].require_unchanged()
        return {SOURCE: self.checkouts[spec.arm].record()}


def _facts(folder: Path, python: Path, schema: Path, probed: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "folder": str(folder),
        **environment.code(folder),
        "interpreter": "its own" if python.is_relative_to(folder) else "the workbench's",
        "python": probed["python"],
        "packages": {name: version for name, version in probed["packages"].items() if version},
        "schema": dataset.schema_digest(schema),
    }


def _require_checkout(name: str, folder: Path) -> None:
    problem = ""
    if not folder.is_dir():
        problem = "is no folder"
    elif not (folder / "reference_app" / "__init__.py").is_file():
        problem = "has no reference_app"
    elif not (folder / "reference_app" / "gunicorn_conf.py").is_file():
        problem = "has no reference_app/gunicorn_conf.py, so it cannot be served"
    elif not (folder / "reference_app" / "schema" / "tables.sql").is_file():
        problem = "has no reference_app/schema, so it has no database"
    elif not environment.is_working_tree(folder):
        problem = "is no checkout that git can read"
    if problem:
        raise UserError(f"arm {name}: {folder} {problem}; name the folder of another checkout of this project, as git "
                        "worktree add makes one")  # fmt: skip


def _probed(name: str, folder: Path, python: Path, settings: Settings) -> dict[str, Any]:
    """The facts that the probe prints. Raises `UserError` with the last line of its error."""
    command = [str(python), "-c", PROBE.read_text(), *environment.PACKAGES]
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("TRACETRACK_", "PYTHON"))}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environ | settings.to_env(), capture_output=True, text=True, errors="replace",
            timeout=PROBE_TIMEOUT_S, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return json.loads(done.stdout.strip().splitlines()[-1])
        reason = (done.stderr.strip() or f"its interpreter ended with code {done.returncode}").splitlines()[-1]
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError) as error:
        reason = str(error).splitlines()[0]
    raise UserError(f"arm {name}: the application of {folder} does not start: {reason}")


def _require_fitting(name: str, folder: Path, probed: Mapping[str, Any], settings: Settings, deployment: str) -> None:
    """Raise `UserError` where the application cannot be served as the deployment, or not be read while it serves."""
    for package in ("file", "instrumentation"):
        if not Path(probed[package]).resolve().is_relative_to(folder.resolve()):
            raise UserError(f"arm {name}: {folder} would serve code of {Path(probed[package]).parent}; its interpreter "
                            "imports another checkout")  # fmt: skip
    defaults = {each.name: each.default for each in fields(Settings)}
    needed = [key for key, default in defaults.items() if getattr(settings, key) != default or key in OF_A_RUN]
    if unknown := [key for key in needed if key not in probed["settings"]]:
        values = ", ".join(f"{key} ({getattr(settings, key)})" if key not in OF_A_RUN else key for key in unknown)
        raise UserError(f"arm {name}: the reference_app of {folder} does not know {values}, which {deployment} sets; "
                        "choose another --deployment, or a later commit")  # fmt: skip
    if probed["refused"]:
        raise UserError(f"arm {name}: the reference_app of {folder} refuses the deployment {deployment}: "
                        f"{probed['refused']}")  # fmt: skip
    if probed["counters"] is None or probed["metrics"] != list(FIXED_FIELDS):
        raise UserError(f"arm {name}: the instrumentation of {folder} counts other things than the workbench reads; "
                        "choose a commit with the same instrumentation/worker_metrics.py")  # fmt: skip
