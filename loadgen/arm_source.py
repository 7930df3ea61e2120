"""The source of an arm, as a user names it: `NAME=KIND:VALUE`, see `FORM`."""

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.declared_arms import CHECKOUT, COMMAND, DEPLOYMENT, KINDS, ON_OWN_DATABASE, URL
from workbench.errors import UsageError
from workbench.paths import is_id
from workbench.redaction import redacted
from workbench.text_cleaning import Target as TextTarget
from workbench.text_cleaning import cleaned

from . import deployments
from .arm_start import AS_IT_IS, ArmStart
from .deployments import DEPLOYMENTS
from .target import Target

FORM = "NAME=checkout:FOLDER, NAME=deployment:NAME, NAME=command:WORDS or NAME=url:ADDRESS"
MAX_ARMS, MAX_NAME_CHARACTERS = 10, 40  # a name is part of the names of runs
MAX_SHOWN = 80  # characters of what a user typed


@dataclass(frozen=True)
class ArmSource:
    """An arm's name, the kind of its source, and its folder (absolute), deployment, command or address.

    `folder` is the one in which a command runs, `start` how the application is made ready for a run.
    """

    name: str
    kind: str
    value: str
    folder: str = ""
    start: ArmStart = AS_IT_IS

    @classmethod
    def parse(cls, given: str) -> "ArmSource":
        """Parse an option. Raises `UsageError` that says what is wrong with it."""
        name, equals, source = given.partition("=")
        kind, colon, value = source.partition(":")
        if not equals or not colon or kind not in KINDS:
            raise UsageError(f"--arm {_shown(given)} is no arm; it looks like {FORM}")
        if not is_id(name) or len(name) > MAX_NAME_CHARACTERS:
            raise UsageError(f"--arm {_shown(given)}: {_shown(name)!r} cannot be a name; use up to "
                             f"{MAX_NAME_CHARACTERS} letters, digits, dots, dashes and underscores")  # fmt: skip
        if name in DEPLOYMENTS and (kind, value) != (DEPLOYMENT, name):
            raise UsageError(f"--arm {_shown(given)}: {name} is the name of a deployment; choose another name")
        if not value.strip():
            raise UsageError(f"--arm {_shown(given)} names no {kind}; it looks like {FORM}")
        return cls(name, kind, _checked(given, kind, value.strip()), str(Path.cwd()) if kind == COMMAND else "")

    def words(self) -> list[str]:
        """The words of a command."""
        return shlex.split(self.value)


def parse_all(given: Sequence[str], *, has_objective: bool = False) -> tuple[ArmSource, ...]:
    """The arms of an experiment, the baseline first; with an objective one is enough.

    Raises `UsageError` for arms that cannot be measured in one experiment.
    """
    arms = tuple(map(ArmSource.parse, given))
    if len(arms) < 2 and not has_objective:
        raise UsageError("one arm compares nothing; give --arm once for the baseline and once for each other arm, or "
                         "--p95-ms for the objective of one")  # fmt: skip
    if len(arms) > MAX_ARMS:
        raise UsageError(f"{len(arms)} arms are too many for one experiment; give at most {MAX_ARMS}")
    if repeated := [name for name, number in Counter(arm.name for arm in arms).items() if number > 1]:
        raise UsageError(f"two arms have the name {repeated[0]}; give each a name of its own")
    if len({arm.kind if arm.kind in ON_OWN_DATABASE else "" for arm in arms}) > 1:
        raise UsageError("a checkout or deployment is served on a database of the workbench, which a command or URL "
                         "does not have: compare checkouts with checkouts, deployments with deployments")  # fmt: skip
    return arms


def _checked(given: str, kind: str, value: str) -> str:
    """The value as it is kept: a folder becomes absolute. Raises `UsageError` for one that cannot be used."""
    if kind == CHECKOUT:
        return str(_folder(given, value))
    if kind == URL:
        if not Target.parse(value).speaks_http:
            raise UsageError(f"--arm {_shown(given)}: the address of an arm begins with http:// or https://")
        return value
    if kind == DEPLOYMENT:
        deployments.settings_for(value)
        return value
    assert kind == COMMAND
    if problem := problem_of_command(value):
        raise UsageError(f"--arm {_shown(given)}: its command {problem}")
    return value


def problem_of_command(text: str) -> str:
    """Why a text is no command, to follow what it is; empty if it is one."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        return f"cannot be read: {str(error).lower()}"
    return "" if words and words[0] else "names no program"


def _folder(given: str, value: str) -> Path:
    try:
        return Path(value).expanduser().resolve()
    except (RuntimeError, OSError) as error:  # no such user, a circle of links
        raise UsageError(f"--arm {_shown(given)}: its folder cannot be found: {error}") from None


def _shown(text: str) -> str:
    return cleaned(redacted(text), TextTarget.LINE, MAX_SHOWN)
