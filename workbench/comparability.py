"""Facts of environment and dataset that decide whether runs can be compared."""

from collections.abc import Iterable, Mapping

# Metrics depend on these more than on anything that is compared: runs that differ in one are never shown together.
DECISIVE = {
    "cpu_model": "processor",
    "cpu_count": "number of cores",
    "memory_bytes": "memory",
    "postgresql": "version of PostgreSQL",
    "scale": "dataset",
    "seed": "dataset",
    "fingerprint": "dataset",
}
# The machine itself, where its id is known. A baseline of another machine decides nothing, also one of the same model.
MACHINE = {
    "cpu_model": "processor",
    "cpu_count": "number of cores",
    "memory_bytes": "memory",
    "machine_id": "installation",
}
# The code that was measured. Within one experiment it is the same, as the machine is; two experiments, or two runs that
# are compared with each other, may differ in it, because that is what they are compared for.
CODE = {"commit": "commit", "changes": "local changes to the code"}
# These may matter, and are reported.
REPORTED = {"kernel": "kernel", "python": "version of Python", "packages": "versions of packages", **CODE}
_NONE_IS_A_VALUE = ("changes",)  # no changes, where the fact was recorded


def differences(records: Iterable[Mapping], facts: Mapping[str, str]) -> list[str]:
    """The names of the facts (key in the record to name) in which records of runs differ.

    A record without a fact differs in nothing.
    """
    values = [{**record["environment"], **(record.get("dataset") or {})} for record in records]
    differing = [key for key in facts if len({repr(value[key]) for value in values if _is_known(value, key)}) > 1]
    return list(dict.fromkeys(facts[key] for key in differing))


def _is_known(facts: Mapping, key: str) -> bool:
    return key in facts and (facts[key] is not None or key in _NONE_IS_A_VALUE)
