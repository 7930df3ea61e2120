"""The objectives of a `workbench.toml`: entries in the form of `objectives.toml`, with the line of a mistake."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench import nearest_name
from workbench.errors import UserError
from workbench.objective_entry import ObjectiveEntry

from ..arm_source import ArmSource
from .toml_document import TomlDocument

OBJECTIVES = "objectives"


def objectives(
    document: TomlDocument, arms: Sequence[ArmSource], scenarios: Mapping[str, str]
) -> tuple[dict[str, Any], ...]:
    """The entries, as the record of an experiment has them.

    `scenarios` are those of the file by name, each with what its runs are known by: of a search for capacity that is
    the family of its loads. Raises `UsageError` with the line of a mistake.
    """
    names = [arm.name for arm in arms]
    entries = [
        _entry(document, number, entry, names, scenarios)
        for number, entry in enumerate(document.content.get(OBJECTIVES, []))
    ]
    ids = [entry["id"] for entry in entries]
    for number, name in enumerate(ids):
        if name in ids[:number]:
            raise document.error((OBJECTIVES, number), f"two objectives have the id {name}; give each one of its own")
    return tuple(entries)


def _entry(
    document: TomlDocument, number: int, entry: Mapping[str, Any], arms: Sequence[str], scenarios: Mapping[str, str]
) -> dict[str, Any]:
    for key, known in (("arm", arms), ("against", arms), ("scenario", [*scenarios])):
        if key in entry and entry[key] not in known:
            raise document.error((OBJECTIVES, number, key), f"{key} in [[objectives]] {number + 1} is {entry[key]!r}; "
                                 f"{nearest_name.hint(entry[key], known)}")  # fmt: skip
    endpoint = [entry["endpoint"].replace(" ", "-").replace("/", "-").strip("-")] if "endpoint" in entry else []
    default = "-".join([entry["metric"], entry["arm"], entry["scenario"], *endpoint])
    given = {"id": default, **entry}
    given |= {"deployment": given.pop("arm"), "scenario": scenarios[entry["scenario"]]}
    try:
        ObjectiveEntry.parse(given, f"[[objectives]] {number + 1}")
    except UserError as error:
        raise document.error((OBJECTIVES, number), error.message) from None
    return given
