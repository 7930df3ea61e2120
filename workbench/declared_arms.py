"""The arms that an experiment declares: checkouts, deployments, commands or URLs, by names of a user's own.

Only such an experiment may have runs of several commits: each run names its source, which has to be the declared one.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .imported import KEY as IMPORTED

KEY = "comparison"  # in the record of an experiment
SOURCE = "source"  # in the deployment of a run's record
CHECKOUT, DEPLOYMENT, COMMAND, URL = "checkout", "deployment", "command", "url"
KINDS = (CHECKOUT, DEPLOYMENT, COMMAND, URL)  # that can be put under load
SOURCES = (*KINDS, IMPORTED)
ON_OWN_DATABASE = (CHECKOUT, DEPLOYMENT)  # kinds that are served on a database of the workbench
# Facts of a source by their names for people; other facts are named by their key.
FACTS = {
    "changes": "local changes",
    "dirty": "local changes",
    "schema": "database schema",
    "python": "version of Python",
}


class DeclaredArm(NamedTuple):
    """An arm and its source: its kind, one of `SOURCES`, with the facts of that kind."""

    name: str
    source: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return self.source["kind"]


def declared(record: Mapping) -> tuple[DeclaredArm, ...]:
    """The arms that an experiment declares to compare, the baseline first; empty for any other experiment."""
    entries = (record.get(KEY) or {}).get("arms", ())
    return tuple(
        DeclaredArm(entry["name"], {name: value for name, value in entry.items() if name != "name"})
        for entry in entries
    )


def scale_of(record: Mapping) -> str | None:
    """The scale of the workbench's database in the record of an experiment; None where no arm was served on it."""
    arms = declared(record)
    return record["scale"] if not arms or any(arm.kind in ON_OWN_DATABASE for arm in arms) else None


def of_deployment(name: str) -> dict[str, Any]:
    """The source of an arm that is a deployment of the workbench."""
    return {"kind": DEPLOYMENT, DEPLOYMENT: name}


def source_of(run: Mapping) -> Mapping[str, Any] | None:
    """The source in the record of a run; None for a deployment of the workbench's own code."""
    return run["deployment"].get(SOURCE)


def identity(source: Mapping[str, Any]) -> str:
    """A text that is the same for sources which are the same thing, as one commit in two folders.

    Changes without a digest, those to files which git does not track, belong to their folder.
    """
    is_known = source["kind"] == CHECKOUT and (source.get("changes") or not source.get("dirty"))
    left_out = ("folder", "interpreter") if is_known else ()
    return repr(sorted((name, repr(value)) for name, value in source.items() if name not in left_out))


def differences(record: Mapping, runs: Iterable[Mapping]) -> list[str]:
    """The names of facts in which runs differ from the arm that their experiment declares, each once."""
    return list(dict.fromkeys(_differences(record, runs)))


def _differences(record: Mapping, runs: Iterable[Mapping]) -> Iterator[str]:
    sources = {arm.name: arm.source for arm in declared(record)}
    for run in runs:
        source, wanted = source_of(run), sources.get(run["deployment"]["name"])
        if source is None and not sources:
            continue
        if source is None or wanted is None:
            yield "what was put under load"
        else:
            changed = (key for key in {**wanted, **source} if wanted.get(key) != source.get(key))
            yield from (FACTS.get(key, key) for key in changed)
