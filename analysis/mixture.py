"""Whether runs may stand beside each other: what they were made on and with."""

from collections.abc import Iterable, Mapping

# On these a figure depends more than on anything that is compared.
DECIDING = {
    "cpu_model": "processor",
    "cpu_count": "number of cores",
    "memory_bytes": "memory",
    "postgresql": "version of PostgreSQL",
    "dataset": "dataset",
}
# These may matter, and are told.
TELLING = {"kernel": "kernel", "python": "version of Python", "packages": "versions of packages", "commit": "commit"}


def apart(records: Iterable[Mapping], what: Mapping[str, str] = DECIDING) -> list[str]:
    """The names of what differs between records of runs; a fact that one of them does not have tells nothing."""
    facts = [_facts(record) for record in records]
    return [name for key, name in what.items() if len({repr(of[key]) for of in facts if of.get(key) is not None}) > 1]


def _facts(record):
    dataset = record.get("dataset") or {}
    identity = [dataset.get(key) for key in ("scale", "seed", "fingerprint")]
    return {**record["environment"], "dataset": identity if any(identity) else None}
