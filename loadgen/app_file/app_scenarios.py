"""The scenarios of a `workbench.toml`: loads that are measured as they are, and searches for capacity."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from analysis.capacity.bracket import MAX_P95_MS
from workbench.declared_arms import ON_OWN_DATABASE
from workbench.errors import UserError

from ..arm_source import ArmSource
from ..arrivals import Piece
from ..declared_loads import DeclaredLoad, DeclaredSearch
from ..generator.interface import INSECURE
from ..scenarios import FAMILIES, MIN_IN_FLIGHT, Scenario
from ..target import Users
from .toml_document import TomlDocument

WARMUP_S, DURATION_S, STEP_S = 5.0, 30.0, 10.0
PROBE_WARMUP_S, PROBE_S = 5.0, 20.0  # of a probe of a search
THINK_S = (1.0, 3.0)
SCENARIOS = "scenarios"
# The keys that a load may have in addition to the common ones.
COMMON = {"load", "description", "locustfile", "blocks"}
TIMED = {"users", "warmup_s", "duration_s"}
KEYS = {
    "single": {"passes", "warmup_passes"},
    "burst": {"users", "passes", "warmup_passes"},
    "closed": {*TIMED, "think_s"},
    "open": {*TIMED, "rate_rps", "arrivals"},
    "steps": {"users", "warmup_s", "rates_rps", "step_s", "arrivals"},
    "ramp": {*TIMED, "from_rps", "to_rps", "arrivals"},
    "shape": set(),
    "capacity": {"of", "first", "most", "p95_ms", "warmup_s", "duration_s"},
}
REQUIRED = {
    "burst": ("users",), "closed": ("users",), "open": ("rate_rps",), "steps": ("rates_rps",),
    "ramp": ("from_rps", "to_rps"), "capacity": ("of", "first"),
}  # fmt: skip
FAMILY: Mapping[str, Literal["open", "sustained"]] = {"requests": "open", "users": "sustained"}


def loads(document: TomlDocument) -> dict[str, DeclaredLoad]:
    """The scenarios that are measured as they are, by name, in the order of the file."""
    return {
        name: DeclaredLoad(_scenario(document, name, entry), _users(document, name, entry), entry.get("blocks", 0))
        for name, entry in document.content[SCENARIOS].items()
        if entry["load"] != "capacity"
    }


def searches(document: TomlDocument) -> tuple[DeclaredSearch, ...]:
    """The searches for capacity, at most one in requests and one in users."""
    by_family: dict[str, DeclaredSearch] = {}
    for name, entry in document.content[SCENARIOS].items():
        if entry["load"] != "capacity":
            continue
        _require_keys(document, name, entry)
        family = FAMILY[entry["of"]]
        if family in by_family:
            raise document.error((SCENARIOS, name), f"[scenarios.{name}] and [scenarios.{by_family[family].name}] "
                                 f"search for the same capacity, in {entry['of']}; leave one out")  # fmt: skip
        p95_ms = entry.get("p95_ms", MAX_P95_MS)
        if any(other.p95_ms != p95_ms for other in by_family.values()):
            raise document.error((SCENARIOS, name, "p95_ms"), "the searches for capacity have two bounds on p95; an "
                                 "experiment has one")  # fmt: skip
        most = entry.get("most", FAMILIES[family].max_number)
        if most < entry["first"] or most > FAMILIES[family].max_number:
            raise document.error((SCENARIOS, name, "most"), f"most in [scenarios.{name}] has to be from first, which "
                                 f"is {entry['first']}, to {FAMILIES[family].max_number}")  # fmt: skip
        by_family[family] = DeclaredSearch(
            name, family, _users(document, name, entry), entry["first"], most, float(p95_ms),
            entry.get("warmup_s", PROBE_WARMUP_S), entry.get("duration_s", PROBE_S), entry.get("blocks", 1),
        )  # fmt: skip
    return tuple(by_family.values())


def _scenario(document: TomlDocument, name: str, entry: Mapping[str, Any]) -> Scenario:
    _require_keys(document, name, entry)
    fields = _FIELDS[entry["load"]](entry)
    if fields["kind"] == "sustained" and fields["think_s"][0] > fields["think_s"][1]:
        raise document.error((SCENARIOS, name, "think_s"), f"think_s in [scenarios.{name}] is the shortest and then "
                             "the longest time")  # fmt: skip
    return Scenario(name=name, description=entry.get("description", ""), **fields)


def _require_keys(document: TomlDocument, name: str, entry: Mapping[str, Any]) -> None:
    load = entry["load"]
    known = COMMON | KEYS[load]
    if unknown := [key for key in entry if key not in known]:
        own = ", ".join(sorted(KEYS[load])) or "no keys of its own"
        raise document.error((SCENARIOS, name, unknown[0]), f"{unknown[0]} in [scenarios.{name}] says nothing about "
                             f"the load {load}, which has {own}")  # fmt: skip
    if missing := [key for key in REQUIRED.get(load, ()) if key not in entry]:
        raise document.error((SCENARIOS, name), f"[scenarios.{name}] lacks {missing[0]}, which the load {load} needs")


def _single(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": "single", "users": 1, "passes": entry.get("passes", 30), "warmup_passes": entry.get("warmup_passes", 1),
    }  # fmt: skip


def _burst(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": "burst", "users": entry["users"], "passes": entry.get("passes", 1),
        "warmup_passes": entry.get("warmup_passes", 0),
    }  # fmt: skip


def _closed(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": "sustained", "users": entry["users"], "think_s": tuple(map(float, entry.get("think_s", THINK_S))),
        "steady": True, **_times(entry),
    }  # fmt: skip


def _open(entry: Mapping[str, Any]) -> dict[str, Any]:
    rate, times = float(entry["rate_rps"]), _times(entry)
    return _arriving(entry, [Piece(times["duration_s"], rate, rate)], times["warmup_s"]) | {"steady": True}


def _steps(entry: Mapping[str, Any]) -> dict[str, Any]:
    step_s = float(entry.get("step_s", STEP_S))
    return _arriving(entry, [Piece(step_s, float(rate), float(rate)) for rate in entry["rates_rps"]], _warmup_s(entry))


def _ramp(entry: Mapping[str, Any]) -> dict[str, Any]:
    times = _times(entry)
    piece = Piece(times["duration_s"], float(entry["from_rps"]), float(entry["to_rps"]))
    return _arriving(entry, [piece], times["warmup_s"])


def _shape(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": "shape"}


_FIELDS = {
    "single": _single, "burst": _burst, "closed": _closed, "open": _open, "steps": _steps, "ramp": _ramp,
    "shape": _shape,
}  # fmt: skip


def _arriving(entry: Mapping[str, Any], pieces: list[Piece], warmup_s: float) -> dict[str, Any]:
    fastest = max(max(piece.from_rps, piece.to_rps) for piece in pieces)
    return {
        "kind": "open", "users": entry.get("users", max(MIN_IN_FLIGHT, round(fastest))), "rates": tuple(pieces),
        "arrivals": entry.get("arrivals", "poisson"), "warmup_s": warmup_s,
        "duration_s": sum(piece.duration_s for piece in pieces),
    }  # fmt: skip


def _times(entry: Mapping[str, Any]) -> dict[str, float]:
    return {"warmup_s": _warmup_s(entry), "duration_s": float(entry.get("duration_s", DURATION_S))}


def _warmup_s(entry: Mapping[str, Any]) -> float:
    return float(entry.get("warmup_s", WARMUP_S))


def _users(document: TomlDocument, name: str, entry: Mapping[str, Any]) -> Users:
    """The users of a scenario: its own locustfile, or that of all."""
    given = document.content.get("users", {})
    place = (SCENARIOS, name, "locustfile") if "locustfile" in entry else ("users", "locustfile")
    locustfile = entry.get("locustfile", given.get("locustfile"))
    if given.get("ca") and given.get("insecure"):
        raise document.error(("users", "ca"), "ca and insecure in [users] contradict each other; leave one out")
    users = Users(
        (document.path.parent / locustfile).resolve() if locustfile else None, tuple(given.get("tags", ())),
        tuple(given.get("without_tags", ())), INSECURE if given.get("insecure") else _ca(document, given),
    )  # fmt: skip
    try:
        users.check()
    except UserError as error:
        raise document.error(place, error.message) from None
    return users


def require_users(
    document: TomlDocument, arms: Sequence[ArmSource], loads: Mapping[str, DeclaredLoad | DeclaredSearch]
) -> None:
    """Raise `UsageError` for a scenario without a locustfile: other users than those of TraceTrack are needed."""
    without = [name for name, load in loads.items() if load.users.locustfile is None]
    if without and arms[0].kind not in ON_OWN_DATABASE:
        raise document.error((SCENARIOS, without[0]), f"[{SCENARIOS}.{without[0]}] has no users: name a locustfile in "
                             "[users], as python -m loadgen init writes one")  # fmt: skip


def _ca(document: TomlDocument, given: Mapping[str, Any]) -> str:
    if not given.get("ca"):
        return ""
    path: Path = (document.path.parent / given["ca"]).resolve()
    if not path.is_file():
        raise document.error(
            ("users", "ca"), f"there is no file {path}; ca in [users] names the certificate authority's"
        )
    return str(path)
