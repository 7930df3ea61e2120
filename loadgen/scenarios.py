"""The named scenarios: what the users do and how they arrive, closed load and open load."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

from workbench.errors import UserError

from .generator.arrivals import Arrivals, Piece

# Requests of one pass, in the published order.
PASS = ("login", "dashboard", "search")
# A login now and then during sustained load, as when shifts change.
READS = {"login": 0.05, "dashboard": 0.45, "search": 0.5}
READS_AND_WRITES = {"login": 0.05, "dashboard": 0.35, "search": 0.4, "scan": 0.2}
MOST_USERS, HIGHEST_RATE, LONGEST_S = 5_000, 20_000, 24 * 3600.0
FEWEST_IN_FLIGHT = 50


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What the users do.

    Closed load: `single`, one user, one request after the other; `burst`, all at once, one pass each; `sustained`,
    with think time, each next request drawn from `shares`. Open load: `open`, requests drawn from `shares` are due by
    a schedule, whether or not earlier ones are answered; `users` is then the most that can be in flight. `start`:
    nobody comes, the application only starts, or says why not. `by-hand`: what a Locust did that somebody else started.
    """

    name: str
    description: str
    kind: Literal["single", "burst", "sustained", "open", "start", "by-hand"]
    users: int = 0
    passes: int = 1
    warmup_passes: int = 0
    steps: tuple[str, ...] = PASS
    warmup_s: float = 0.0
    duration_s: float = 0.0
    think_s: tuple[float, float] = (0.0, 0.0)
    shares: dict[str, float] = field(default_factory=lambda: READS)
    arrivals: Arrivals = "poisson"
    rates: tuple[Piece, ...] = ()  # of the measured time; the warm-up has the first of them
    steady: bool = False  # whether load and time are such that Little's law holds
    terms: Literal["published", "mix"] = "published"
    user_classes: Literal["tracetrack", "published"] = "tracetrack"  # the locustfile with the user classes
    sql_before: str = ""  # what is done to the run's database before the load
    unavailable: tuple[str, ...] = ()  # what the dashboard then has to name as missing
    overridden: tuple[str, ...] = ()  # fields that are not the named scenario's

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The rate of an open load from its first request on, warm-up included."""
        first = self.rates[0].from_rps if self.rates else 0.0
        return ((Piece(self.warmup_s, first, first),) if self.warmup_s and self.rates else ()) + self.rates

    def expected_requests(self) -> int | None:
        """How many requests a complete run makes, where the scenario fixes it."""
        if self.kind in ("sustained", "open", "by-hand") or self.duration_s:
            return None
        return self.users * (self.passes + self.warmup_passes) * len(self.steps) + self.logins_apart()

    def logins_apart(self) -> int:
        """Logins at the beginning, where the passes have none."""
        return 0 if "login" in self.steps else self.users

    def expected_s(self) -> float:
        """Seconds that the load is expected to take, for the bar."""
        return self.warmup_s + self.duration_s or 10.0

    def record(self) -> dict:
        return asdict(self) | {"pieces": self.pieces}


def _burst(users: int, **more) -> Scenario:
    return Scenario(
        name=f"burst-{users}",
        description=f"{users} users at once, one pass login → dashboard → search for BAG, no think time",
        kind="burst",
        users=users,
        **more,
    )


def _sustained(users: int, **more) -> Scenario:
    given = {
        "name": f"sustained-{users}",
        "description": f"{users} users with 1–3 s of think time, 30 s after 5 s of warm-up",
        "duration_s": 30.0,
        **more,
    }
    return Scenario(kind="sustained", users=users, warmup_s=5.0, think_s=(1.0, 3.0), steady=True, **given)


def _open(rate: int, **more) -> Scenario:
    given = {
        "name": f"open-{rate}",
        "description": f"{rate} requests due each second whatever the answers, 30 s after 5 s of warm-up",
        "duration_s": 30.0,
        "rates": (Piece(30.0, rate, rate),),
        "steady": True,
        **more,
    }
    return Scenario(kind="open", users=max(FEWEST_IN_FLIGHT, rate), warmup_s=5.0, **given)


def _steps(rate: int) -> Scenario:
    rates = tuple(Piece(10.0, rate * step / 5, rate * step / 5) for step in range(1, 6))
    return _open(
        rate,
        name=f"steps-{rate}",
        description=f"a fifth of {rate} requests each second, then two fifths, and so on, 10 s each",
        duration_s=50.0,
        rates=rates,
        steady=False,
    )


def _ramp(rate: int) -> Scenario:
    return _open(
        rate,
        name=f"ramp-{rate}",
        description=f"ever more requests, from 1 to {rate} each second within 60 s",
        duration_s=60.0,
        rates=(Piece(60.0, 1.0, rate),),
        steady=False,
    )


def _soak(users: int) -> Scenario:
    return _sustained(
        users, name=f"soak-{users}", description=f"as sustained-{users}, for 10 minutes", duration_s=600.0
    )


def _with_writes(scenario: Scenario) -> Scenario:
    return replace(
        scenario,
        name=f"{scenario.name}-write",
        description=f"{scenario.name} with a fifth of the requests scans, which are looked for one by one afterwards",
        shares=READS_AND_WRITES,
    )


def _with_mixed_terms(scenario: Scenario) -> Scenario:
    return replace(
        scenario,
        name=f"{scenario.name}-mix",
        description=f"{scenario.name} with search terms from a seeded mix: whole ids, fragments, words without a match",
        terms="mix",
    )


def _with_shared_jar(scenario: Scenario) -> Scenario:
    return replace(
        scenario,
        name=f"{scenario.name}-shared-jar",
        description=f"{scenario.name} as the published script did it: one account and one cookie jar for all users, "
        "and any 200 or 302 taken for success",
        user_classes="published",
    )


# By the first word of the name; the number is users in closed load, and requests a second in open load.
FAMILIES: dict[str, tuple[Callable[[int], Scenario], int]] = {
    "burst": (_burst, MOST_USERS),
    "sustained": (_sustained, MOST_USERS),
    "soak": (_soak, MOST_USERS),
    "open": (_open, HIGHEST_RATE),
    "steps": (_steps, HIGHEST_RATE),
    "ramp": (_ramp, HIGHEST_RATE),
}
VARIANTS = {"write": _with_writes, "mix": _with_mixed_terms, "shared-jar": _with_shared_jar}
NAME = re.compile(rf"({'|'.join(FAMILIES)})-([1-9][0-9]*)(?:-({'|'.join(VARIANTS)}))?")

OTHERS = {
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
        replace(
            _burst(5, sql_before="DROP TABLE tracetrack.bill CASCADE", unavailable=("total_bills",)),
            name="missing-table",
            description="5 users at once on a database without the table bill, which the dashboard has to name",
        ),
        Scenario(name="start", description="nobody; the application starts, or says why it does not", kind="start"),
    )
}
# Those of the published report and of the profiles, for the list; of each family any number will do.
LISTED = (
    "single", "reads", "burst-25", "burst-50", "burst-100", "burst-50-mix", "burst-50-shared-jar", "sustained-100",
    "sustained-100-write", "soak-100", "open-100", "open-100-write", "steps-100", "ramp-100", "missing-table", "start",
)  # fmt: skip


def find(name: str) -> Scenario:
    """The scenario of this name. Raises `UserError` for one that there is not."""
    if name in OTHERS:
        return OTHERS[name]
    parts = NAME.fullmatch(name)
    if not parts or (parts[1] == "burst" and parts[3] == "write"):  # a burst's pass has no scan
        raise UserError(
            f"there is no scenario {name!r}; choose one of {', '.join(LISTED)}, or another number in one of them"
        )
    make, most = FAMILIES[parts[1]]
    number = int(parts[2])
    if number > most:
        raise UserError(f"{name} is more than this can make; {parts[1]} goes up to {parts[1]}-{most}")
    scenario = make(number)
    return VARIANTS[parts[3]](scenario) if parts[3] else scenario


def override(
    scenario: Scenario,
    *,
    duration_s: float | None = None,
    warmup_s: float | None = None,
    users: int | None = None,
    arrivals: Arrivals | None = None,
) -> Scenario:
    """The scenario with these fields changed, and a note of it. Raises `UserError` where one has no meaning."""
    given = {"duration_s": duration_s, "warmup_s": warmup_s, "users": users, "arrivals": arrivals}
    changed = {name: value for name, value in given.items() if value is not None and value != getattr(scenario, name)}
    if scenario.kind == "start" and changed:
        raise UserError("the scenario start sends nothing: it has no duration, warm-up, users or arrivals")
    if "arrivals" in changed and scenario.kind != "open":
        raise UserError(f"{scenario.name} is closed load, in which users decide; arrivals are a choice of open load")
    if changed.get("warmup_s") and scenario.kind in ("single", "burst") and not changed.get("duration_s"):
        raise UserError(
            f"{scenario.name} would be over in its warm-up, with nothing measured; give it a --duration too"
        )
    if changed.get("duration_s") == 0 and scenario.kind in ("sustained", "open"):
        raise UserError(f"{scenario.name} for no time at all would measure nothing; give it a --duration")
    if "duration_s" in changed and scenario.rates:
        stretch = changed["duration_s"] / scenario.duration_s
        changed["rates"] = tuple(piece._replace(duration_s=piece.duration_s * stretch) for piece in scenario.rates)
    return replace(scenario, **changed, overridden=tuple(sorted(changed)))
