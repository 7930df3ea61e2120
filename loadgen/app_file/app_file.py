"""A `workbench.toml`: an application, what of it is put under which load, and what counts as good enough."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from .. import environment
from ..arm_source import ArmSource
from ..compared_arms import BLOCKS, TARGET, Comparison
from ..declared_loads import DeclaredLoad, DeclaredSearch
from ..target import Users
from . import app_arms, app_scenarios
from .app_objectives import objectives
from .toml_document import TomlDocument

DIGEST_CHARACTERS = 12


@dataclass(frozen=True)
class AppFile:
    """What the file at `path` declares; the first arm is the baseline."""

    path: Path
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
        arms, loads, searches = app_arms.arms(document), app_scenarios.loads(document), app_scenarios.searches(document)
        return cls(
            document.path,
            content["name"],
            content.get("blocks", BLOCKS),
            arms,
            loads,
            searches,
            content.get("success", {}),
            objectives(document, arms, {name: name for name in loads} | {each.name: each.family for each in searches}),
            _digest(document.text, [*(each.users for each in loads.values()), *(each.users for each in searches)]),
        )

    def comparison(self, confirmed: Sequence[str] = ()) -> Comparison:
        """The experiment of the file; `confirmed` are hosts of URLs that are not this machine."""
        declared = Comparison(
            self.arms,
            TARGET,
            tuple(self.loads),
            self.blocks,
            confirmed=tuple(confirmed),
            loads=self.loads,
            searches=self.searches,
            success=self.success,
            objectives=self.objectives,
            application=self.facts(),
        )
        declared.check()
        return declared

    def facts(self) -> dict[str, Any]:
        """What a record has of the file, and the commit of the repository around it."""
        code = environment.code(self.path.parent)
        return {"name": self.name, "file": str(self.path), "digest": self.digest, "commit": code["commit"]}


def _digest(text: str, users: Sequence[Users]) -> str:
    """A digest of the file and of all locustfiles."""
    parts = [text.encode(), *(each.locustfile.read_bytes() for each in users if each.locustfile)]
    return sha256(b"\0".join(parts)).hexdigest()[:DIGEST_CHARACTERS]
