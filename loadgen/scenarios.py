"""The named scenarios: what the users do and how they arrive. All of these are closed load."""

from dataclasses import asdict, dataclass, replace
from typing import Literal

from analysis.problem import Problem

# Requests of one pass, in the published order.
PASS = ("login", "dashboard", "search")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`single`: one user after the other request; `burst`: all at once, one pass each; `sustained`: with think time."""

    name: str
    description: str
    kind: Literal["single", "burst", "sustained"]
    users: int
    passes: int = 1
    warmup_passes: int = 0
    warmup_s: float = 0.0
    duration_s: float = 0.0
    think_s: tuple[float, float] = (0.0, 0.0)
    terms: Literal["published", "mix"] = "published"

    def expected_requests(self) -> int | None:
        """How many requests a complete run makes, where the scenario fixes it."""
        if self.kind == "sustained":
            return None
        return self.users * (self.passes + self.warmup_passes) * len(PASS)

    def record(self) -> dict:
        return asdict(self)


def _burst(users, **more):
    return Scenario(
        name=f"burst-{users}",
        description=f"{users} users at once, one pass login → dashboard → search for BAG, no think time",
        kind="burst",
        users=users,
        **more,
    )


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            name="single",
            description="one user, each endpoint 30 times, after one pass of warm-up",
            kind="single",
            users=1,
            passes=30,
            warmup_passes=1,
        ),
        _burst(25),
        _burst(50),
        _burst(100),
        replace(
            _burst(50, terms="mix"),
            name="burst-50-mix",
            description="burst-50 with search terms from a seeded mix: whole ids, fragments, words that match nothing",
        ),
        Scenario(
            name="sustained-100",
            description="100 users with 1–3 s of think time, 30 s after 5 s of warm-up",
            kind="sustained",
            users=100,
            warmup_s=5.0,
            duration_s=30.0,
            think_s=(1.0, 3.0),
        ),
    )
}


def find(name: str) -> Scenario:
    if name not in SCENARIOS:
        raise Problem(f"there is no scenario {name!r}; choose one of {', '.join(SCENARIOS)}")
    return SCENARIOS[name]
