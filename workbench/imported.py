"""What the record of an imported run says of its origin: results that another tool measured.

Nothing of machine, system and load is on record then. What the tool's format does not know is null in the rows, and
named in `unknown`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

KEY = "imported"  # in the record of a run or an experiment
KIND = "imported"  # of the scenario of a run: whether its load was open or closed is not known
PROFILE = "import"  # of the experiment
# What a format may not know.
FAILURES, SENDS, STATUSES, VALUES = "failures", "times of send", "status of responses", "single values"
MACHINE = "machine not recorded"


def is_imported(record: Mapping[str, Any]) -> bool:
    """True for the record of a run or an experiment that was imported."""
    return bool(record.get(KEY))


def knows(record: Mapping[str, Any], fact: str) -> bool:
    """False for a run whose imported results lack a fact, such as `FAILURES`."""
    return fact not in ((record.get(KEY) or {}).get("unknown") or ())


def tool(record: Mapping[str, Any]) -> str:
    """The tool that measured an imported run."""
    return (record.get(KEY) or {}).get("tool") or "another tool"


def notes(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield lines about where an imported run comes from and what its file lacks; nothing for other runs."""
    origin = record.get(KEY)
    if not origin:
        return
    yield f"imported from {tool(record)}, file {origin.get('file')}; {MACHINE}, kind of load not known"
    yield from losses(origin)
    if unknown := origin.get("unknown"):
        yield f"the file has no {', no '.join(unknown)}"
    yield from origin.get("notes") or ()


def losses(origin: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line about malformed lines of an imported file, and one about a missing end."""
    if number := origin.get("malformed"):
        lines = "malformed line was" if number == 1 else "malformed lines were"
        first = origin.get("first_malformed_line")
        yield f"{number:,} {lines} left out" + (f", the first is line {first:,}" if first else "")
    if origin.get("truncated"):
        yield "the file is cut off: what is whole was read, its end is missing"
