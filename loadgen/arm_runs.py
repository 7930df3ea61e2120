"""What the arms of a comparison put under load: looked at before anything is measured, then run by run."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench import declared_arms
from workbench.declared_arms import CHECKOUT, COMMAND, DEPLOYMENT, SOURCE, URL

from . import progress, services, target
from .arm_source import ArmSource
from .checkout import Checkout
from .compared_arms import Comparison
from .dataset import SCHEMA
from .run_spec import RunSpec
from .served_command import HOST, RUN_TOKEN, ServedCommand
from .target import Target


@dataclass(frozen=True)
class ArmSystems:
    """The systems under test of a comparison, by arm."""

    comparison: Comparison
    deployments: Mapping[str, str]
    checkouts: Mapping[str, Checkout]
    commands: Mapping[str, ServedCommand]
    targets: Mapping[str, Target]

    @classmethod
    def inspect(cls, comparison: Comparison) -> "ArmSystems":
        """Look at each arm. Raises `UserError` for one that cannot be put under load."""
        of_kind: dict[str, list[ArmSource]] = {CHECKOUT: [], DEPLOYMENT: [], COMMAND: [], URL: []}
        for arm in comparison.arms:
            of_kind[arm.kind].append(arm)
        systems = cls(
            comparison,
            {arm.name: arm.value for arm in of_kind[DEPLOYMENT]},
            {arm.name: Checkout.inspect(arm.name, Path(arm.value), comparison.deployment) for arm in of_kind[CHECKOUT]},
            {arm.name: ServedCommand(arm.name, arm.value, Path(arm.folder)) for arm in of_kind[COMMAND]},
            {arm.name: Target.parse(arm.value) for arm in of_kind[URL]},
        )
        for command in systems.commands.values():
            command.require_startable()
        for application in systems.targets.values():
            application.wait_until_up()
        return systems

    def sources(self) -> dict[str, dict[str, Any]]:
        """The facts of each arm, by name, as the record of its runs has them."""
        targets = {name: {"kind": URL, "url": application.public()} for name, application in self.targets.items()}
        checkouts = {name: checkout.record() for name, checkout in self.checkouts.items()}
        own = {name: declared_arms.of_deployment(deployment) for name, deployment in self.deployments.items()}
        return {**targets, **own, **checkouts, **{name: command.record() for name, command in self.commands.items()}}

    def schemas(self) -> list[Path]:
        """The folders with the schemas of their databases, each once; that of the workbench where nothing else is."""
        return list(dict.fromkeys(checkout.code.schema for checkout in self.checkouts.values())) or [SCHEMA]

    def report_equal_arms(self) -> None:
        """Print a line where two arms are the same thing, and their difference can only be noise."""
        names: dict[str, str] = {}
        for name, source in self.sources().items():
            if (first := names.setdefault(declared_arms.identity(source), name)) != name:
                progress.report(f"arms {first} and {name} are the same: any difference between them is noise")

    def execute(self, spec: RunSpec, directory: Path) -> dict:
        """Carry out a run of a command or a URL, and return its record."""
        if spec.arm in self.targets:
            application = self.targets[spec.arm]
            return target.execute(application, spec, directory, self.comparison.users, self._source(spec.arm))
        command, port, run_token = self.commands[spec.arm], services.free_port(), _run_token()
        return target.execute(
            Target.parse(f"http://{HOST}:{port}"),
            spec,
            directory,
            self.comparison.users,
            self._source(spec.arm),
            command.serving(directory, port, run_token),
            run_token,
        )

    def _source(self, name: str) -> dict[str, Any]:
        """The deployment in the record of a run of a command or URL."""
        source = self.sources()[name]
        return {"name": name, "settings": {source["kind"]: source[source["kind"]]}, SOURCE: source}


def _run_token() -> str:
    """A token for the requests of a run; that of this command's environment, if the application may have it too."""
    return os.environ.get(RUN_TOKEN) or secrets.token_urlsafe()
