"""Whether runs can be compared: the facts of their environment and dataset in which they differ."""

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
# These may matter, and are reported.
REPORTED = {"kernel": "kernel", "python": "version of Python", "packages": "versions of packages", "commit": "commit"}


def differences(records: Iterable[Mapping], facts: Mapping[str, str]) -> list[str]:
    """The names of the facts (key in the record to name) in which records of runs differ.

    A record without a fact differs in nothing.
    """
    values = [{**record["environment"], **(record.get("dataset") or {})} for record in records]
    differing = [key for key in facts if len({repr(value[key]) for value in values if value.get(key) is not None}) > 1]
    return list(dict.fromkeys(facts[key] for key in differing))
