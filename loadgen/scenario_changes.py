"""Changes to a named scenario: its duration, warm-up, users, arrivals, base rate of an overload, or client timeout."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workbench.errors import UsageError

from .arrivals import Arrivals, Piece
from .scenarios import Scenario


def override(
    scenario: Scenario,
    *,
    duration_s: float | None = None,
    warmup_s: float | None = None,
    users: int | None = None,
    arrivals: Arrivals | None = None,
    base_rps: float | None = None,
    client_timeout_s: float | None = None,
) -> Scenario:
    """Change fields of a scenario, and list them in `overridden`. Raises `UsageError` where a field has no meaning."""
    given = {
        "duration_s": duration_s, "warmup_s": warmup_s, "users": users, "arrivals": arrivals, "base_rps": base_rps,
        "client_timeout_s": client_timeout_s,
    }  # fmt: skip
    changes: dict[str, Any] = {
        name: value for name, value in given.items() if value is not None and value != getattr(scenario, name)
    }
    _require_meaning(scenario, changes)
    if "duration_s" in changes and scenario.rates:
        stretch = changes["duration_s"] / scenario.duration_s
        changes["rates"] = tuple(piece._replace(duration_s=piece.duration_s * stretch) for piece in scenario.rates)
    if "base_rps" in changes:
        factor = changes["base_rps"] / scenario.base_rps
        rates = changes.get("rates", scenario.rates)
        changes["rates"] = tuple(Piece(each.duration_s, factor * each.from_rps, factor * each.to_rps) for each in rates)
    return replace(scenario, **changes, overridden=tuple(sorted(changes)))


def _require_meaning(scenario: Scenario, changes: Mapping[str, Any]) -> None:
    if scenario.kind == "start" and changes:
        raise UsageError("the scenario start sends nothing: it has no duration, warm-up, users or arrivals")
    if "arrivals" in changes and scenario.kind != "open":
        raise UsageError(
            f"{scenario.name} is closed load, where users decide when they send; --arrivals is for open load"
        )
    if "base_rps" in changes and not scenario.base_rps:
        raise UsageError(f"{scenario.name} has no rate that is exceeded for a while; --base-rate is for overload-N")
    if changes.get("warmup_s") and scenario.kind in ("single", "burst") and not changes.get("duration_s"):
        raise UsageError(f"{scenario.name} would be over in its warm-up, with nothing measured; give a --duration too")
    if changes.get("duration_s") == 0 and scenario.kind in ("sustained", "open"):
        raise UsageError(f"{scenario.name} with a duration of 0 s would measure nothing; give a longer --duration")
