"""A `workbench.toml`: an application, what of it is put under which load, and what counts as good enough."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from workbench.errors import UsageError

from .. import environment
from ..arm_source import ArmSource
from ..compared_arms import BLOCKS, TARGET, Comparison
from ..declared_loads import DeclaredLoad, DeclaredSearch
from ..target import Users
from . import app_arms, app_scenarios
from .app_objectives import objectives
from .app_profiles import AppProfiles
from .app_selection import selection
from .toml_document import TomlDocument

DIGEST_CHARACTERS = 12


@dataclass(frozen=True)
class AppFile:
    """What a file declares; the first arm is the baseline. A file without arms has profiles of deployments alone."""

    document: TomlDocument
    name: str
    blocks: int
    arms: tuple[ArmSource, ...]
    loads: Mapping[str, DeclaredLoad]
    searches: tuple[DeclaredSearch, ...]
    success: Mapping[str, Mapping[str, Any]]
    objectives: tuple[Mapping[str, Any], ...]
    digest: str

    @property
    def id(self) -> str:
        """Its name as part of an id."""
        return "-".join(re.findall("[a-z0-9]+", self.name.lower())) or "application"

    @classmethod
    def read(cls, path: Path) -> "AppFile":
        """Read a file. Raises `UsageError` with file, line and remedy for a mistake."""
        document = TomlDocument.read(path.resolve())
        content = document.content
        if app_arms.ARMS not in content:
            AppProfiles(document).read()
            return cls(document, content["name"], 0, (), {}, (), {}, (), "")
        arms, loads, searches = app_arms.arms(document), app_scenarios.loads(document), app_scenarios.searches(document)
        app_scenarios.require_users(document, arms, {**loads, **{each.name: each for each in searches}})
        return cls(
            document,
            content["name"],
            content.get("blocks", BLOCKS),
            arms,
            loads,
            searches,
            content.get("success", {}),
            objectives(document, arms, {name: name for name in loads} | {each.name: each.family for each in searches}),
            _digest(document.text, [*(each.users for each in loads.values()), *(each.users for each in searches)]),
        )

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self.document.path

    def comparison(self, confirmed: Sequence[str] = (), profile: str = "") -> Comparison:
        """The experiment of the file, or of one of its profiles; `confirmed` are hosts that are not this machine.

        Raises `UsageError` for an unknown profile, and for a file without arms.
        """
        if not self.arms:
            raise UsageError(f"{self.path} declares no arms; the profiles of deployments are those of the workbench's "
                             "own file, and need no --app")  # fmt: skip
        names = [*self.loads, *(search.name for search in self.searches)]
        chosen = selection(self.document, profile, [arm.name for arm in self.arms], names)
        loads = {
            name: replace(load, blocks=chosen.blocks.get(name, load.blocks))
            for name, load in self.loads.items()
            if name in chosen.scenarios
        }
        searches = [
            replace(search, blocks=chosen.blocks.get(search.name, search.blocks))
            for search in self.searches
            if search.name in chosen.scenarios
        ]
        declared = Comparison(
            tuple(arm for arm in self.arms if arm.name in chosen.arms),
            TARGET,
            tuple(loads),
            self.blocks,
            confirmed=tuple(confirmed),
            loads=loads,
            searches=tuple(searches),
            success=self.success,
            objectives=self._objectives_of(chosen.arms, [*loads, *(search.family for search in searches)]),
            application=self.facts() | ({"profile": profile} if profile else {}),
        )
        declared.check()
        return declared

    def _objectives_of(self, arms: Sequence[str], scenarios: Sequence[str]) -> tuple[Mapping[str, Any], ...]:
        """The objectives of arms and scenarios that are measured."""
        return tuple(
            each
            for each in self.objectives
            if each["scenario"] in scenarios and {each["deployment"], each.get("against", arms[0])} <= {*arms}
        )

    def facts(self) -> dict[str, Any]:
        """What a record has of the file, and the commit of the repository around it."""
        code = environment.code(self.path.parent)
        return {"name": self.name, "file": str(self.path), "digest": self.digest, "commit": code["commit"]}


def _digest(text: str, users: Sequence[Users]) -> str:
    """A digest of the file and of all locustfiles."""
    parts = [text.encode(), *(each.locustfile.read_bytes() for each in users if each.locustfile)]
    return sha256(b"\0".join(parts)).hexdigest()[:DIGEST_CHARACTERS]
