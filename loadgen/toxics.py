"""The toxics of the proxy: faults between the application and a server, named after those of toxiproxy.

Times count from the instant at which a toxic comes into force for a connection: when it is added, or when the
connection is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from workbench.errors import UserError
from workbench.paths import is_id

# The way of the bytes that a toxic acts on: to the server, or to the application.
UPSTREAM, DOWNSTREAM, BOTH = "upstream", "downstream", "both"
DIRECTIONS = {UPSTREAM: (UPSTREAM,), DOWNSTREAM: (DOWNSTREAM,), BOTH: (UPSTREAM, DOWNSTREAM)}

LATENCY, BANDWIDTH, TIMEOUT, RESET_PEER, SLOW_CLOSE, LIMIT_DATA, DOWN = KINDS = (
    "latency",
    "bandwidth",
    "timeout",
    "reset_peer",
    "slow_close",
    "limit_data",
    "down",
)
MAX_TIME_MS = 600_000


class Attribute(NamedTuple):
    """A number that a toxic has, and its range; without a default it has to be given."""

    name: str
    minimum: float
    maximum: float
    default: float | None = None
    is_whole: bool = False


ATTRIBUTES: dict[str, tuple[Attribute, ...]] = {
    # Each chunk comes later, by a time that is uniform from latency - jitter to latency + jitter, and not below 0.
    LATENCY: (Attribute("latency_ms", 0, MAX_TIME_MS), Attribute("jitter_ms", 0, MAX_TIME_MS, default=0)),
    # Bytes pass one after another at this rate, in units of 1000 bytes a second.
    BANDWIDTH: (Attribute("rate_kb_s", 0.001, 1e7),),
    # Nothing passes, and the connection is closed after the time; with 0 it never is: a black hole.
    TIMEOUT: (Attribute("timeout_ms", 0, MAX_TIME_MS),),
    # The connection is reset after the time; until then everything passes.
    RESET_PEER: (Attribute("timeout_ms", 0, MAX_TIME_MS),),
    # The end of a stream comes later, by this time.
    SLOW_CLOSE: (Attribute("delay_ms", 0, MAX_TIME_MS),),
    # The connection is closed when so many bytes have passed; with 0, when the first one comes.
    LIMIT_DATA: (Attribute("bytes", 0, 2**53, is_whole=True),),
    # All connections are closed, and new ones are refused.
    DOWN: (),
}


@dataclass(frozen=True, eq=False)
class Toxic:
    """A fault that is in force from when it is added until it is removed. Equal to no other one."""

    name: str
    kind: str
    direction: str
    attributes: Mapping[str, float]

    @property
    def directions(self) -> tuple[str, ...]:
        return DIRECTIONS[self.direction]

    @property
    def stops_data(self) -> bool:
        return self.kind == TIMEOUT

    @property
    def rate_bytes_s(self) -> float | None:
        """At how many bytes a second bytes pass; None if it does not limit that."""
        return self.attributes["rate_kb_s"] * 1000 if self.kind == BANDWIDTH else None

    @property
    def max_bytes(self) -> int | None:
        """After how many bytes the connection is closed; None if it does not limit that."""
        return int(self.attributes["bytes"]) if self.kind == LIMIT_DATA else None

    @property
    def lifetime_s(self) -> float | None:
        """After how many seconds a connection ends; None if it does not end connections."""
        time_ms = self.attributes.get("timeout_ms")
        if time_ms is None or (self.kind == TIMEOUT and time_ms == 0):
            return None
        return time_ms / 1000

    def delay_s(self, is_end: bool, random: Random) -> float:
        """By how many seconds it delays a chunk, or the end of a stream."""
        if self.kind == LATENCY:
            jitter_ms = self.attributes["jitter_ms"]
            return max(0.0, self.attributes["latency_ms"] + random.uniform(-jitter_ms, jitter_ms)) / 1000
        return self.attributes["delay_ms"] / 1000 if self.kind == SLOW_CLOSE and is_end else 0.0


def make_toxic(name: object, kind: object, direction: object, attributes: object) -> Toxic:
    """A toxic from values that may be anything. Raises `UserError` with one line that says what is wrong."""
    if not isinstance(name, str) or not is_id(name):
        raise UserError(
            f"the name of a toxic has up to 128 letters, digits, dots, dashes, underscores; not {_shown(name)}"
        )
    if not isinstance(kind, str) or kind not in KINDS:
        raise UserError(f"the kind of a toxic is one of {', '.join(KINDS)}; not {_shown(kind)}")
    if not isinstance(direction, str) or direction not in DIRECTIONS:
        raise UserError(f"the direction of a toxic is one of {', '.join(DIRECTIONS)}; not {_shown(direction)}")
    if kind == DOWN and direction != BOTH:
        raise UserError(f"{DOWN} closes whole connections: its direction is {BOTH}, not {direction}")
    return Toxic(name, kind, direction, _checked(kind, attributes))


def _checked(kind: str, attributes: object) -> dict[str, float]:
    """The attributes of a toxic of this kind, with its defaults."""
    if not isinstance(attributes, Mapping):
        raise UserError(f"the attributes of a toxic are numbers by name, not {_shown(attributes)}")
    known = {attribute.name: attribute for attribute in ATTRIBUTES[kind]}
    for name in attributes:
        if name not in known:
            raise UserError(f"{kind} has no attribute {_shown(name)}; it has {', '.join(known) or 'none'}")
    return {name: _number(kind, attribute, attributes.get(name)) for name, attribute in known.items()}


def _number(kind: str, attribute: Attribute, value: object) -> float:
    if value is None and attribute.default is not None:
        return attribute.default
    if value is None:
        raise UserError(f"{kind} needs {attribute.name}")
    types = int if attribute.is_whole else int | float
    is_number = isinstance(value, types) and not isinstance(value, bool)
    if not is_number or not attribute.minimum <= value <= attribute.maximum:  # type: ignore[operator]
        number = "a whole number" if attribute.is_whole else "a number"
        bounds = f"from {attribute.minimum:.16g} to {attribute.maximum:.16g}"
        raise UserError(f"{attribute.name} of {kind} is {number} {bounds}, not {_shown(value)}")
    return value  # type: ignore[return-value]


def _shown(value: object) -> str:
    """A value in one line, cut off if it is long."""
    return f"{value!r:.80}"
