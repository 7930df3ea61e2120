"""The named scenarios: what the users do and how they arrive. All of these are closed load."""

from dataclasses import asdict, dataclass, field, replace
from typing import Literal

from analysis.problem import Problem

# Requests of one pass, in the published order.
PASS = ("login", "dashboard", "search")
# A login now and then during sustained load, as when shifts change.
READS = {"login": 0.05, "dashboard": 0.45, "search": 0.5}
READS_AND_WRITES = {"login": 0.05, "dashboard": 0.35, "search": 0.4, "scan": 0.2}


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What the users do.

    `single`: one user, one request after the other; `burst`: all at once, one pass each; `sustained`: with think time,
    each next request drawn from `shares`; `start`: nobody comes, the application only starts, or says why not.
    """

    name: str
    description: str
    kind: Literal["single", "burst", "sustained", "start"]
    users: int = 0
    passes: int = 1
    warmup_passes: int = 0
    steps: tuple[str, ...] = PASS
    warmup_s: float = 0.0
    duration_s: float = 0.0
    think_s: tuple[float, float] = (0.0, 0.0)
    shares: dict[str, float] = field(default_factory=lambda: READS)
    terms: Literal["published", "mix"] = "published"
    sql_before: str = ""  # what is done to the run's database before the load
    unavailable: tuple[str, ...] = ()  # what the dashboard then has to name as missing

    def expected_requests(self) -> int | None:
        """How many requests a complete run makes, where the scenario fixes it."""
        if self.kind == "sustained":
            return None
        return self.users * (self.passes + self.warmup_passes) * len(self.steps) + self.logins_apart()

    def logins_apart(self) -> int:
        """Logins at the beginning, where the passes have none."""
        return 0 if "login" in self.steps else self.users

    def expected_s(self) -> float:
        """Seconds that the load is expected to take, for the bar."""
        return self.warmup_s + self.duration_s if self.kind == "sustained" else 10.0

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


SUSTAINED = Scenario(
    name="sustained-100",
    description="100 users with 1–3 s of think time, 30 s after 5 s of warm-up",
    kind="sustained",
    users=100,
    warmup_s=5.0,
    duration_s=30.0,
    think_s=(1.0, 3.0),
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
        Scenario(
            name="reads",
            description="one user who logs in once, then dashboard and search 10 times, search terms from the mix",
            kind="single",
            users=1,
            passes=10,
            warmup_passes=1,
            steps=("dashboard", "search"),
            terms="mix",
        ),
        _burst(25),
        _burst(50),
        _burst(100),
        replace(
            _burst(50, terms="mix"),
            name="burst-50-mix",
            description="burst-50 with search terms from a seeded mix: whole ids, fragments, words that match nothing",
        ),
        SUSTAINED,
        replace(
            SUSTAINED,
            name="sustained-100-write",
            description="sustained-100 with a fifth of the requests scans, which are looked for one by one afterwards",
            shares=READS_AND_WRITES,
        ),
        replace(
            _burst(5, sql_before="DROP TABLE tracetrack.bill CASCADE", unavailable=("total_bills",)),
            name="missing-table",
            description="5 users at once on a database without the table bill, which the dashboard has to name",
        ),
        Scenario(name="start", description="nobody; the application starts, or says why it does not", kind="start"),
    )
}


def find(name: str) -> Scenario:
    if name not in SCENARIOS:
        raise Problem(f"there is no scenario {name!r}; choose one of {', '.join(SCENARIOS)}")
    return SCENARIOS[name]
