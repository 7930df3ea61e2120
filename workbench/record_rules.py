"""Rules of the values in a record: each is true for a good value."""

import math
from collections.abc import Callable
from typing import Any

from .declared_arms import SOURCES
from .paths import is_id


def is_integer(value: object) -> bool:
    """A whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def up_to(largest: int) -> Callable[[Any], bool]:
    """A whole number from 0 to the largest."""
    return lambda value: is_integer(value) and 0 <= value <= largest


COUNT, SMALL, SERVER = up_to(2**53), up_to(100_000), up_to(4096)


def is_number(value: Any) -> bool:
    """A finite number, in size at most 2^62."""
    return (is_integer(value) or isinstance(value, float)) and math.isfinite(value) and abs(value) <= 2**62


def or_none(rule: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Null, or what follows a rule."""
    return lambda value: value is None or rule(value)


def one_of(*words: str) -> Callable[[Any], bool]:
    """One of these words."""
    return lambda value: value in words if isinstance(value, str) else False


def is_truth(value: object) -> bool:
    """True, false or null."""
    return isinstance(value, bool | None)


def are_scalars(value: object) -> bool:
    """An object of texts, numbers, truths and nulls."""
    return isinstance(value, dict) and all(
        isinstance(item, str | bool | None) or is_number(item) for item in value.values()
    )


def by_name(rule: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """An object whose values all follow a rule."""
    return lambda value: isinstance(value, dict) and all(map(rule, value.values()))


def is_null(value: object) -> bool:
    """Null."""
    return value is None


def is_text(value: object) -> bool:
    """A text."""
    return isinstance(value, str)


def is_source(value: object) -> bool:
    """What served as an arm: its kind, and facts that are words, but for these two."""
    if not isinstance(value, dict) or value.get("kind") not in SOURCES:
        return False
    rules = {"dirty": is_truth, "packages": by_name(is_text)}
    return all(fact is None or rules.get(name, is_text)(fact) for name, fact in value.items())


def are_arms(value: object) -> bool:
    """Arms, each with a name of its own."""
    if not isinstance(value, list) or not all(map(is_source, value)):
        return False
    names = [arm.get("name") for arm in value]
    return all(map(is_id, names)) and 0 < len(set(names)) == len(names)


def are_pieces(value: object) -> bool:
    """The pieces of an open load: duration (s), first and last rate (requests/s)."""
    return isinstance(value, list) and all(
        isinstance(piece, list) and len(piece) == 3 and all(is_number(part) and part >= 0 for part in piece)
        for piece in value
    )


def are_marks(value: object) -> bool:
    """The marks of each generator process: instants, each with the integral of requests in flight."""
    return isinstance(value, list) and all(isinstance(span, list) and all(map(is_pair, span)) for span in value)


def is_interval(value: object) -> bool:
    """The upper bound (µs, null for none) of an interval of durations, and the number of responses in it."""
    return isinstance(value, list) and len(value) == 2 and (value[0] is None or COUNT(value[0])) and COUNT(value[1])


def are_kills(value: object) -> bool:
    """Processes that the kernel ended: `process` is a word, the rest are counts that may be missing."""
    return isinstance(value, list) and all(
        isinstance(kill, dict)
        and isinstance(kill.get("process"), str)
        and COUNT(kill.get("at_us"))
        and all(value is None or COUNT(value) for name, value in kill.items() if name != "process")
        for kill in value
    )


def are_faults(value: object) -> bool:
    """Faults as `workbench.faults` has them: a name, a reason, and two instants (µs) that may be null."""
    return isinstance(value, list) and all(
        isinstance(fault, dict)
        and isinstance(fault.get("name"), str)
        and isinstance(fault.get("reason", ""), str)
        and all(name in fault and (fault[name] is None or COUNT(fault[name])) for name in ("begin_us", "end_us"))
        for fault in value
    )


def is_clock(value: object) -> bool:
    """The relation of a host's clock to the run's: offset and uncertainty (ns), and the rounds that were measured."""
    names = ("offset_ns", "uncertainty_ns", "rounds")
    return isinstance(value, dict) and all(is_number(value.get(name)) for name in names)


def is_pair(value: object) -> bool:
    """Two numbers."""
    return isinstance(value, list) and len(value) == 2 and all(map(is_number, value))
