"""A profile of an application of one's own: some of its arms under some of its scenarios, in blocks of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench import nearest_name
from workbench.errors import UsageError

from .app_profiles import GROUPS, PROFILES, RUNS, Place
from .toml_document import TomlDocument

OWN_KEYS, OWN_RUN_KEYS = {"description", RUNS}, {"arms", "scenarios", "blocks"}  # what a profile of own arms may have


@dataclass(frozen=True)
class AppSelection:
    """The arms and the scenarios that are measured; `blocks` are those of scenarios that the profile gives others."""

    arms: tuple[str, ...]
    scenarios: tuple[str, ...]
    blocks: Mapping[str, int] = field(default_factory=dict)


def selection(document: TomlDocument, name: str, arms: Sequence[str], scenarios: Sequence[str]) -> AppSelection:
    """The profile of this name, or the first one if that is empty; everything where the file has no profiles.

    `arms`, the baseline first, and `scenarios` are those of the file. Raises `UsageError` for an unknown name, and with
    the line of a mistake in any profile.
    """
    profiles = document.content.get(PROFILES, {})
    selections = {each: _selection(document, each, entry, arms, scenarios) for each, entry in profiles.items()}
    if name and name not in selections:
        known = nearest_name.hint(name, selections) if selections else "it has none; leave out the profile"
        raise UsageError(f"there is no profile {name!r} in {document.path}; {known}")
    if not selections:
        return AppSelection(tuple(arms), tuple(scenarios))
    return selections[name or next(iter(selections))]


def _selection(
    document: TomlDocument, name: str, entry: Mapping[str, Any], arms: Sequence[str], scenarios: Sequence[str]
) -> AppSelection:
    _require_own_keys(document, name, entry)
    runs = [_expanded(document, run) for run in entry[RUNS]]
    for number, run in enumerate(runs):
        for key, known in (("arms", arms), ("scenarios", scenarios)):
            if unknown := [each for each in run[key] if each not in known]:
                raise document.error((PROFILES, name, RUNS, number, key), f"runs {number + 1} of [profiles.{name}] "
                                     f"names {unknown[0]!r}; choose among {', '.join(known)}")  # fmt: skip
        if set(run["arms"]) != set(runs[0]["arms"]):
            raise document.error((PROFILES, name, RUNS, number, "arms"), f"runs {number + 1} of [profiles.{name}] has "
                                 "other arms than runs 1; the arms of a profile run under all of its "
                                 "scenarios")  # fmt: skip
    chosen = tuple(arm for arm in arms if arm in runs[0]["arms"])
    if arms[0] not in chosen:
        raise document.error((PROFILES, name, RUNS, 0, "arms"), f"[profiles.{name}] lacks {arms[0]}, the baseline that "
                             "the other arms are compared with")  # fmt: skip
    return AppSelection(
        chosen,
        tuple(dict.fromkeys(each for run in runs for each in run["scenarios"])),
        {each: run["blocks"] for run in runs if "blocks" in run for each in run["scenarios"]},
    )


def _expanded(document: TomlDocument, run: Mapping[str, Any]) -> dict[str, Any]:
    """The runs with what groups stand for in their place."""
    groups = document.content.get(GROUPS, {})
    names = {key: [each for name in run[key] for each in groups.get(name, [name])] for key in ("arms", "scenarios")}
    return {**run, **names}


def _require_own_keys(document: TomlDocument, name: str, entry: Mapping[str, Any]) -> None:
    """Raise `UsageError` for a key that is about deployments alone."""
    places: list[tuple[Place, str]] = [((PROFILES, name), key) for key in entry if key not in OWN_KEYS]
    places += [
        ((PROFILES, name, RUNS, number), key)
        for number, run in enumerate(entry[RUNS])
        for key in run
        if key not in OWN_RUN_KEYS
    ]
    if places:
        place, key = places[0]
        raise document.error((*place, key), f"{key} in [profiles.{name}] is for deployments of TraceTrack; say it in a "
                             "scenario of the file")  # fmt: skip
