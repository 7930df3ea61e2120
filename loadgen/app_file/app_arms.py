"""The arms of a `workbench.toml`: what is put under load, the baseline first."""

from collections.abc import Mapping
from typing import Any

from workbench.declared_arms import COMMAND, DEPLOYMENT, ON_OWN_DATABASE, URL
from workbench.errors import UserError
from workbench.server_kinds import THREADED

from .. import arm_source
from ..arm_database import VARIABLE
from ..arm_source import ArmSource
from ..arm_start import READY_WITHIN_S, RESET_WITHIN_S, ArmStart
from .toml_document import TomlDocument

ARMS, BASELINE = "arms", "baseline"
SOURCES = (COMMAND, URL, DEPLOYMENT)
# The keys that go with each source.
OF_START = {"serving", "ready", "ready_within_s", "reset", "reset_within_s", "environment"}
KEYS = {
    COMMAND: {COMMAND, "folder", "commit", "database", *OF_START},
    URL: {URL, "folder", *OF_START},
    DEPLOYMENT: {DEPLOYMENT},
}


def arms(document: TomlDocument) -> tuple[ArmSource, ...]:
    """The arms of the file; all others are compared with the first. Raises `UsageError` with the line of a mistake."""
    declared = [_arm(document, name, entry) for name, entry in document.content[ARMS].items()]
    baseline = document.content.get(BASELINE, declared[0].name)
    if baseline not in document.content[ARMS]:
        raise document.error((BASELINE,), f"baseline is {baseline!r}, and there is no such arm; choose one of "
                             f"{', '.join(document.content[ARMS])}")  # fmt: skip
    if len({arm.kind in ON_OWN_DATABASE for arm in declared}) > 1:
        odd = next(arm for arm in declared if arm.kind in ON_OWN_DATABASE)
        raise document.error((ARMS, odd.name), f"[arms.{odd.name}] is a deployment of TraceTrack, on a database of the "
                             "workbench, and other arms are not: compare deployments with deployments")  # fmt: skip
    return tuple(sorted(declared, key=lambda arm: arm.name != baseline))


def _arm(document: TomlDocument, name: str, entry: Mapping[str, Any]) -> ArmSource:
    given = [source for source in SOURCES if source in entry]
    if len(given) != 1:
        problem = f"has {' and '.join(given)}; leave all but one out" if given else "lacks a command, url or deployment"
        raise document.error((ARMS, name), f"[arms.{name}] {problem}")
    kind = given[0]
    if unknown := [key for key in entry if key not in KEYS[kind]]:
        raise document.error((ARMS, name, unknown[0]), f"{unknown[0]} in [arms.{name}] says nothing about a {kind}")
    folder = (document.path.parent / entry.get("folder", ".")).resolve()
    if not folder.is_dir():
        raise document.error((ARMS, name, "folder"), f"there is no folder {folder}, which [arms.{name}] names")
    try:
        source = ArmSource.parse(f"{name}={kind}:{entry[kind]}")
    except UserError as error:
        raise document.error((ARMS, name, kind), f"[arms.{name}]: {_reason(error)}") from None
    return ArmSource(name, kind, source.value, "" if kind == DEPLOYMENT else str(folder), _start(document, name, entry))


def _start(document: TomlDocument, name: str, entry: Mapping[str, Any]) -> ArmStart:
    if "reset" in entry and (problem := arm_source.problem_of_command(entry["reset"])):
        raise document.error((ARMS, name, "reset"), f"reset in [arms.{name}] {problem}")
    if "database" in entry and VARIABLE in entry.get("environment", {}):
        raise document.error((ARMS, name, "database"), f"database and environment in [arms.{name}] both set "
                             f"{VARIABLE}; leave one out")  # fmt: skip
    return ArmStart(
        {key: _text(value) for key, value in entry.get("environment", {}).items()},
        entry.get("ready", ""),
        float(entry.get("ready_within_s", READY_WITHIN_S)),
        entry.get("reset", ""),
        float(entry.get("reset_within_s", RESET_WITHIN_S)),
        entry.get("commit", ""),
        entry.get("database", ""),
        _settings(entry["serving"]) if "serving" in entry else {},
    )


def _settings(serving: Mapping[str, Any]) -> dict[str, str | int]:
    """How the application serves, by the names that settings of a deployment have."""
    limited = {"pool_size": serving["connections"]} if "connections" in serving else {}
    return {
        "server": serving.get("server", THREADED[0]), "workers": serving.get("workers", 1),
        "threads": serving.get("threads", 1), **limited,
    }  # fmt: skip


def _text(value: str | float | bool) -> str:
    """A variable's value as a text; true and false are 1 and 0, as most programs read them."""
    return str(int(value)) if isinstance(value, bool) else str(value)


def _reason(error: UserError) -> str:
    """The message about an option of the command line, without that option."""
    return error.message.partition(": ")[2] or error.message
