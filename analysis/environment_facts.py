"""The facts on which the values of an experiment depend beside its deployments, and their changes.

They are of five kinds: machine, versions, data, method and code. Each fact is a text under a name for people, so that
it can be stored beside a page and compared with that of another page.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from workbench import declared_arms, imported
from workbench.arms import BURST_50
from workbench.declared_arms import DeclaredArm
from workbench.recording import Experiment, Run
from workbench.redaction import redacted

MACHINE, VERSIONS, DATA, METHOD, CODE = "machine", "versions", "data", "method", "code"
FENCES = (MACHINE, VERSIONS, DATA, METHOD)  # values do not line up across a change of one of them
PROCESSOR, CORES, MEMORY, INSTALLATION, KERNEL = "processor", "number of cores", "memory", "installation", "kernel"
PYTHON, POSTGRESQL, PACKAGE = "Python", "PostgreSQL", "package "
ARM = "arm "  # begins the name of a fact about an arm of a comparison
SCALE, SEED, FINGERPRINT = "scale", "seed of the data", "fingerprint of the data"
FORMAT, MAX_CONNECTIONS, DISTURBANCES = "record format", "max_connections of PostgreSQL", "disturbances"
COMMIT, LOCAL_CHANGES = "commit", "local changes"
_LOAD = f"load {BURST_50}: "
_KINDS = {
    **dict.fromkeys((PROCESSOR, CORES, MEMORY, INSTALLATION, KERNEL), MACHINE),
    **dict.fromkeys((PYTHON, POSTGRESQL), VERSIONS),
    **dict.fromkeys((SCALE, SEED, FINGERPRINT), DATA),
    **dict.fromkeys((FORMAT, MAX_CONNECTIONS, DISTURBANCES), METHOD),
    **dict.fromkeys((COMMIT, LOCAL_CHANGES), CODE),
}
# Values depend on these more than on anything that is compared: where one differs, a comparison decides nothing.
DECISIVE = (PROCESSOR, CORES, MEMORY, INSTALLATION, SCALE, SEED, FINGERPRINT)
LOAD_FIELDS = ("processes", "locustfile", "trace")  # of a run's record: its load depends on them as on its scenario
COMMIT_CHARACTERS, MAX_VALUE_CHARACTERS = 10, 60

Facts = Mapping[str, str]  # by name, each known fact as a text


@dataclass(frozen=True)
class FactChange:
    """A fact that two experiments do not share."""

    name: str
    before: str
    after: str

    @property
    def kind(self) -> str:
        """Machine, versions, data, method or code."""
        return kind_of(self.name)

    @property
    def is_decisive(self) -> bool:
        """True where a comparison across this change decides nothing."""
        return self.name in DECISIVE

    def __str__(self) -> str:
        return f"{self.name} {self.before} → {self.after}"


def facts_of(experiment: Experiment) -> dict[str, str]:
    """Return the known facts of an experiment, in the order in which they are shown."""
    environment = experiment.record["environment"]
    facts = {
        **_machine(environment),
        PYTHON: environment.get("python"),
        POSTGRESQL: environment.get("postgresql"),
        **{f"{PACKAGE}{name}": version for name, version in (environment.get("packages") or {}).items()},
        **_data(experiment),
        **_method(experiment),
        **_code(environment),
        **{f"{ARM}{arm.name}": _arm(arm) for arm in declared_arms.declared(experiment.record)},
    }
    return {name: str(value)[:MAX_VALUE_CHARACTERS] for name, value in facts.items() if value is not None}


def changes(before: Facts, after: Facts) -> list[FactChange]:
    """Return the facts that both have and in which they differ; one that either lacks is no difference."""
    return [
        FactChange(name, before[name], after[name]) for name in before if name in after and before[name] != after[name]
    ]


def fences(before: Facts, after: Facts) -> list[FactChange]:
    """Return the changes across which values do not line up: those of machine, versions, data and method."""
    return [change for change in changes(before, after) if change.kind in FENCES]


def kind_of(name: str) -> str:
    """Return the kind of a fact by its name."""
    by_prefix = {PACKAGE: VERSIONS, ARM: CODE}
    return next((kind for prefix, kind in by_prefix.items() if name.startswith(prefix)), _KINDS.get(name, METHOD))


def machine(environment: Mapping) -> str:
    """Return processor, cores and memory of a record's environment in a line."""
    if environment["memory_bytes"] is None:
        return imported.MACHINE
    facts = _machine(environment)
    return f"{facts[PROCESSOR]}, {facts[CORES]} cores, {environment['memory_bytes'] / 2**30:.0f} GiB"


def load_differences(first: Run, second: Run) -> list[str]:
    """Return the names of the fields in which the loads of two runs differ; a description is no part of a load."""
    loads = [load_of_run(run) for run in (first, second)]
    return sorted(name for name in loads[0].keys() | loads[1].keys() if loads[0].get(name) != loads[1].get(name))


def load_of_run(run: Run) -> dict:
    """Return the fields of a run's record that decide on its load."""
    fields = run.record["scenario"] | {name: run.record.get(name) for name in LOAD_FIELDS}
    return {name: value for name, value in fields.items() if name != "description"}


def _machine(environment: Mapping) -> dict[str, str | None]:
    if environment["memory_bytes"] is None:  # of imported results
        return {}
    return {
        PROCESSOR: environment["cpu_model"],
        CORES: str(environment["cpu_count"]),
        # A kernel reserves some KiB more than another one; the machine is the same.
        MEMORY: f"{environment['memory_bytes'] / 2**30:.1f} GiB",
        INSTALLATION: environment.get("machine_id"),
        KERNEL: environment.get("kernel"),
    }


def _data(experiment: Experiment) -> dict[str, str | None]:
    of_runs = (run.record["dataset"] for run in experiment.runs)
    dataset: Mapping = experiment.record.get("dataset") or next(filter(None, of_runs), {})
    return {SCALE: experiment.record["scale"], SEED: dataset.get("seed"), FINGERPRINT: dataset.get("fingerprint")}


def _method(experiment: Experiment) -> dict[str, object]:
    environment = experiment.record["environment"]
    is_shared = environment.get("shared_machine")
    run = next((run for run in experiment.runs if run.scenario == BURST_50), None)
    load = load_of_run(run) if run else {}
    return {
        FORMAT: experiment.record.get("format", 1),
        MAX_CONNECTIONS: environment.get("postgresql_max_connections"),
        DISTURBANCES: None if is_shared is None else "recorded only" if is_shared else "evaluated",
        **{f"{_LOAD}{name}": json.dumps(value) for name, value in sorted(load.items()) if value is not None},
    }


def _arm(arm: DeclaredArm) -> str:
    """What an arm of a comparison is: its commit with a digest of local changes, or its command or URL."""
    commit = arm.source.get("commit")
    if commit is None:
        return redacted(str(arm.source.get(arm.kind) or "unknown"))
    changes = arm.source.get("changes") or ("local changes" if arm.source.get("dirty") else "")
    return f"{commit[:COMMIT_CHARACTERS]} {changes}".strip()


def _code(environment: Mapping) -> dict[str, str | None]:
    """The commit, and a digest of the local changes where the record has one."""
    commit, digest = environment.get("commit"), environment.get("changes")
    is_dirty = environment.get("dirty")
    local = digest or (None if is_dirty is None else "not recorded" if is_dirty else "none")
    return {COMMIT: commit and commit[:COMMIT_CHARACTERS], LOCAL_CHANGES: local}
