"""What the arms of a comparison put under load: looked at before anything is measured, then run by run."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench import declared_arms
from workbench.declared_arms import CHECKOUT, COMMAND, DEPLOYMENT, SOURCE, URL

from . import arm_reset, load_rehearsal, progress, services, target
from .arm_database import VARIABLE, empty_database
from .arm_source import ArmSource
from .arm_start import HOST
from .checkout import Checkout
from .compared_arms import Comparison
from .dataset import SCHEMA
from .run_spec import RunSpec
from .served_command import RUN_TOKEN, ServedCommand
from .services import DatabaseServer
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
            {arm.name: ServedCommand.of(arm) for arm in of_kind[COMMAND]},
            {arm.name: Target.parse(arm.value) for arm in of_kind[URL]},
        )
        for command in systems.commands.values():
            command.require_startable()
        load_rehearsal.require_usable(comparison, systems._urls())
        for arm in of_kind[URL]:
            systems.targets[arm.name].wait_until_up(arm.start.ready_within_s, arm.start.ready)
        return systems

    def _urls(self) -> list[str]:
        """The addresses that the users of commands and URLs send to; commands have a port of their own in each run."""
        commands = [f"http://{HOST}:{services.free_port()}"] if self.commands else []
        return commands + [application.url for application in self.targets.values()]

    def sources(self) -> dict[str, dict[str, Any]]:
        """The facts of each arm, by name, as the record of its runs has them."""
        targets = {
            name: {"kind": URL, "url": application.public(), **self.comparison.arm(name).start.record()}
            for name, application in self.targets.items()
        }
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

    @property
    def need_server(self) -> bool:
        """Whether a command has a database of the workbench."""
        return any(command.start.database for command in self.commands.values())

    def execute(self, spec: RunSpec, directory: Path, server: DatabaseServer | None = None) -> dict:
        """Carry out a run of a command or a URL, and return its record; `server` has the databases of commands."""
        users, source = self.comparison.users_of(spec.scenario), self._source(spec.arm)
        if spec.arm in self.targets:
            arm = self.comparison.arm(spec.arm)
            application = self.targets[spec.arm]
            serving = _made_ready(arm, application, directory)
            return target.execute(application, spec, directory, users, source, serving, success=self.comparison.success)
        command, port, run_token = self.commands[spec.arm], services.free_port(), _run_token()
        has_database = server is not None and bool(command.start.database)
        with empty_database(server, directory.name) if server and has_database else nullcontext("") as url:
            return target.execute(
                Target.parse(f"http://{HOST}:{port}"),
                spec,
                directory,
                users,
                source,
                command.serving(directory, port, run_token, {VARIABLE: url} if url else {}),
                run_token,
                self.comparison.success,
                {"database": server.pid} if server and has_database else {},
            )

    def _source(self, name: str) -> dict[str, Any]:
        """The deployment in the record of a run of a command or URL."""
        source = self.sources()[name]
        settings = {source["kind"]: source[source["kind"]], **self.comparison.arm(name).start.serving}
        return {"name": name, "settings": settings, SOURCE: source}


@contextmanager
def _made_ready(arm: ArmSource, application: Target, directory: Path) -> Iterator[None]:
    """Reset an application that is running already, and wait until it is ready, before the block."""
    arm_reset.run(arm.name, arm.start, None, directory, arm.start.environment, Path(arm.folder or "."))
    application.wait_until_up(arm.start.ready_within_s, arm.start.ready)
    yield


def _run_token() -> str:
    """A token for the requests of a run; that of this command's environment, if the application may have it too."""
    return os.environ.get(RUN_TOKEN) or secrets.token_urlsafe()
