"""Whether runs may stand beside each other: what they were made on and with."""

from collections.abc import Iterable, Mapping

# On these a figure depends more than on anything that is compared.
DECIDING = {
    "cpu_model": "processor",
    "cpu_count": "number of cores",
    "memory_bytes": "memory",
    "postgresql": "version of PostgreSQL",
    "scale": "dataset",
    "seed": "dataset",
    "fingerprint": "dataset",
}
# These may matter, and are told.
TELLING = {"kernel": "kernel", "python": "version of Python", "packages": "versions of packages", "commit": "commit"}


def apart(records: Iterable[Mapping], what: Mapping[str, str] = DECIDING) -> list[str]:
    """The names of what differs between records of runs; a fact that one of them does not have tells nothing."""
    facts = [_facts(record) for record in records]
    differ = [key for key in what if len({repr(of[key]) for of in facts if of.get(key) is not None}) > 1]
    return list(dict.fromkeys(what[key] for key in differ))


def _facts(record):
    return {**record["environment"], **(record.get("dataset") or {})}
