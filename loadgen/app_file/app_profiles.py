"""The profiles of a `workbench.toml`: named selections of arms, scenarios, searches and metrics with a verdict."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.errors import UsageError, UserError
from workbench.primary_metrics import PrimaryMetric

from .. import deployments, scenarios
from ..profile import Arm, Profile, Search
from ..scenario_changes import override
from ..scenarios import Scenario
from .app_scenarios import FAMILY, PROBE_S, PROBE_WARMUP_S
from .toml_document import TomlDocument

PROFILES, GROUPS, RUNS, SEARCHES, VERDICTS = "profiles", "groups", "runs", "searches", "verdicts"
SCALE = "production"
RUN_S = 1.0  # that a run is expected to take where the file says nothing

Entry = Mapping[str, Any]
Place = tuple[str | int, ...]


@dataclass(frozen=True)
class AppProfiles:
    """The profiles of a file without arms of its own: they are deployments, under scenarios of the workbench."""

    document: TomlDocument

    def read(self) -> dict[str, Profile]:
        """Every profile by its name, in the order of the file. Raises `UsageError` with the line of a mistake."""
        return {name: self._profile(name, entry) for name, entry in self.document.content.get(PROFILES, {}).items()}

    def _profile(self, name: str, entry: Entry) -> Profile:
        return Profile(
            entry.get("description", ""),
            entry.get("scale", SCALE),
            tuple(arm for place, each in _entries(name, RUNS, entry) for arm in self._arms(place, each)),
            tuple(search for place, each in _entries(name, SEARCHES, entry) for search in self._searches(place, each)),
            self._sentinel((PROFILES, name, "sentinel"), entry["sentinel"]) if "sentinel" in entry else None,
            tuple(metric for place, each in _entries(name, VERDICTS, entry) for metric in self._verdicts(place, each)),
            entry.get("repeats", 0),
        )

    def _arms(self, place: Place, entry: Entry) -> Iterator[Arm]:
        """Each arm under each scenario."""
        changes = dict(entry.get("changes", {}))
        loads = [self._scenario((*place, "scenarios"), name, changes) for name in self._expanded(entry["scenarios"])]
        for deployment in self._deployments((*place, "arms"), entry["arms"]):
            for load in loads:
                yield Arm(
                    deployment, load.name, entry.get("blocks", self._blocks), entry.get("takes_s", _expected_s(load)),
                    entry.get("replicated", False), changes,
                )  # fmt: skip

    @property
    def _blocks(self) -> int:
        return self.document.content.get("blocks", 1)

    def _searches(self, place: Place, entry: Entry) -> Iterator[Search]:
        under = entry.get("predicted_under", "")
        if "predicted_from" in entry and not under:
            raise self.document.error(place, "predicted_from is the deployment of a run; name its scenario too, in "
                                      "predicted_under")  # fmt: skip
        for deployment in self._deployments((*place, "arms"), entry["arms"]):
            yield Search(
                deployment, FAMILY[entry["of"]], entry["first"], entry.get("most"),
                entry.get("warmup_s", PROBE_WARMUP_S), entry.get("duration_s", PROBE_S),
                entry.get("predicted_from", deployment) if under else "", under, entry.get("blocks", 1),
            )  # fmt: skip

    def _verdicts(self, place: Place, entry: Entry) -> Iterator[PrimaryMetric]:
        load = self._scenario((*place, "scenario"), entry["scenario"])
        arms = self._deployments((*place, "arms"), entry["arms"])
        yield from (PrimaryMetric(metric, load.name, arms) for metric in entry["metrics"])

    def _sentinel(self, place: Place, entry: Entry) -> Arm:
        load = self._scenario((*place, "scenario"), entry["scenario"])
        (deployment,) = self._deployments((*place, "arm"), [entry["arm"]])
        return Arm(deployment, load.name, 1, entry["takes_s"])

    def _deployments(self, place: Place, names: Sequence[str]) -> tuple[str, ...]:
        """The deployments of these names and groups, in their order. Raises `UsageError` for one that is unknown."""
        expanded = self._expanded(names)
        if unknown := [name for name in expanded if name not in deployments.DEPLOYMENTS]:
            raise self._unknown(place, f"there is neither a deployment nor a group {unknown[0]!r}")
        return expanded

    def _scenario(self, place: Place, name: str, changes: Mapping[str, float] | None = None) -> Scenario:
        """The scenario of this name with changes. Raises `UsageError` for a name or a change that is unknown."""
        given: dict[str, Any] = dict(changes or {})
        try:
            return override(scenarios.find(name), **given)
        except UserError as error:
            raise self._unknown(place, error.message) from None
        except TypeError:
            raise self._unknown(place, f"of the changes {', '.join(changes or ())} no scenario has all") from None

    def _expanded(self, names: Sequence[str]) -> tuple[str, ...]:
        """The names, with what groups stand for in their place."""
        groups = self.document.content.get(GROUPS, {})
        return tuple(each for name in names for each in groups.get(name, [name]))

    def _unknown(self, place: Place, problem: str) -> UsageError:
        _, profile, kind, *rest = place
        where = f"{kind} {int(rest[0]) + 1}" if rest and isinstance(rest[0], int) else kind
        return self.document.error(place, f"{where} of [profiles.{profile}]: {problem}; python -m loadgen list shows "
                                   "what there is")  # fmt: skip


def _expected_s(load: Scenario) -> float:
    return load.expected_s() if load.duration_s else RUN_S


def _entries(profile: str, kind: str, entry: Entry) -> Iterator[tuple[Place, Entry]]:
    """The tables of a kind in a profile, each with its place in the file."""
    yield from (((PROFILES, profile, kind, number), each) for number, each in enumerate(entry.get(kind, ())))
