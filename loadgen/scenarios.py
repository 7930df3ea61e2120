"""The named scenarios: what the users do and how they arrive, in closed load and in open load.

To add a scenario: a row in `FIXED`, or a family of them in `FAMILIES`, and an arm in `loadgen.profiles` that runs it.
Then regenerate the documentation: `python -m loadgen list --markdown > docs/DEPLOYMENTS.md`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, NamedTuple

from workbench import arms, endpoints, nearest_name
from workbench.endpoints import LOGIN
from workbench.errors import UsageError

from . import fault_scenarios, light_reads, overload, soak_scenario
from .arrivals import Arrivals, Piece
from .fault_needs.planned_fault import PlannedFault

PUBLISHED_PASS = endpoints.PUBLISHED  # the requests of one pass, in the published order
MAX_USERS, MAX_RATE_RPS, MAX_DURATION_S = 5_000, 20_000, 24 * 3600.0
MIN_IN_FLIGHT = 50

# For deployments whose statistics are kept by triggers; others have no such table.
SLOW_SUMMARY = """
ALTER TABLE tracetrack.summary RENAME TO kept_summary;
CREATE VIEW tracetrack.summary AS SELECT kept_summary.* FROM tracetrack.kept_summary, pg_sleep(0.6);
GRANT SELECT ON tracetrack.summary TO PUBLIC;
"""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A load, by its `kind`.

    Closed load: in `single` one user sends one request after the other; in `burst` all users start at one instant and
    make one pass each; in `sustained` users have think time, and each next request is drawn from `shares`. Open load:
    in `open` requests drawn from `shares` are due by a schedule that does not wait for responses, and `users` is the
    largest number in flight. `shape` is that of the locustfile's own `LoadTestShape`. `start` has no users: its outcome
    is whether the application starts. `by-hand` is the load of a Locust that was started manually.
    """

    name: str
    description: str
    kind: Literal["single", "burst", "sustained", "open", "shape", "start", "by-hand"]
    users: int = 0
    passes: int = 1
    warmup_passes: int = 0
    steps: tuple[str, ...] = PUBLISHED_PASS
    warmup_s: float = 0.0
    duration_s: float = 0.0
    think_s: tuple[float, float] = (0.0, 0.0)
    shares: dict[str, float] = field(default_factory=lambda: endpoints.READ_SHARES)
    arrivals: Arrivals = "poisson"
    rates: tuple[Piece, ...] = ()  # of the measured time; the warm-up has the first rate
    base_rps: float = 0.0  # of an overload: the rate before and after it
    sessions: int = 0  # of an open load: only so many users log in beforehand, the others share their cookies
    client_timeout_s: float = 300.0  # the users of TraceTrack give up after it
    steady: bool = False  # load and duration are such that Little's law holds
    terms: Literal["published", "mix", "expensive"] = "published"
    searching_users: int = 0  # the first of the users do nothing but search, whatever the shares
    tracking_users: int = 0  # the first of the users do nothing but ask where shipments are
    upstream_ms: float = 0.0  # the time after which the carrier answers that the run starts; 0 for none
    from_new_browsers: bool = False  # a login has no cookies, and leaves the user's session before it to expire
    user_classes: Literal["tracetrack", "published"] = "tracetrack"  # the locustfile with the user classes
    sql_before: str = ""  # changes the run's database before the load
    unavailable: tuple[str, ...] = ()  # the numbers that the dashboard then has to report as missing
    faults: tuple[PlannedFault, ...] = ()
    overridden: tuple[str, ...] = ()  # fields that differ from those of the named scenario

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The rate of an open load from its first request on, warm-up included."""
        first = self.rates[0].from_rps if self.rates else 0.0
        return ((Piece(self.warmup_s, first, first),) if self.warmup_s and self.rates else ()) + self.rates

    def expected_requests(self) -> int | None:
        """The number of requests of a complete run; None where the scenario does not fix it."""
        if self.kind in ("sustained", "open", "shape", "by-hand") or self.duration_s:
            return None
        return self.users * (self.passes + self.warmup_passes) * len(self.steps) + self.initial_logins()

    def initial_logins(self) -> int:
        """The number of logins before the load; in closed load where its tasks have none."""
        if self.kind == "open" or self.tracking_users:
            return self.sessions or self.users
        return 0 if LOGIN.name in self.steps else self.users

    def expected_s(self) -> float:
        """Seconds that the load is expected to take, for the progress bar."""
        return self.warmup_s + self.duration_s or 10.0

    def record(self) -> dict:
        return asdict(self) | {"pieces": self.pieces}

    @classmethod
    def from_record(cls, stored: Mapping[str, Any]) -> "Scenario":
        """The scenario that a run has recorded; older records have fewer fields."""
        known = {field.name: stored[field.name] for field in fields(cls) if field.name in stored}
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in known.items()
        }
        values["rates"] = tuple(Piece(*piece) for piece in values.get("rates", ()))
        values["faults"] = tuple(PlannedFault(*fault) for fault in values.get("faults", ()))
        return cls(**{"description": "", **values})


FIXED = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            name=arms.SINGLE,
            description="One user calls each endpoint 30 times, after one pass of warm-up.",
            kind="single",
            users=1,
            passes=30,
            warmup_passes=1,
        ),
        Scenario(
            name=arms.READS,
            description="One user logs in once, then calls dashboard and search 10 times with mixed search terms.",
            kind="single",
            users=1,
            passes=10,
            warmup_passes=1,
            steps=endpoints.READS,
            terms="mix",
        ),
        Scenario(
            name=arms.MISSING_TABLE,
            description="A burst of 5 users on a database without the table bill, which the dashboard has to report.",
            kind="burst",
            users=5,
            sql_before="DROP TABLE tracetrack.bill CASCADE",
            unavailable=("total_bills",),
        ),
        Scenario(
            name=arms.SLOW_STATEMENT,
            description="A burst of 5 users on a database that takes 0.6 s for the numbers that triggers keep.",
            kind="burst",
            users=5,
            sql_before=SLOW_SUMMARY,
        ),
        Scenario(
            name=arms.START,
            description="No users: the application starts, or reports why it cannot.",
            kind="start",
        ),
        *(Scenario(**row) for row in fault_scenarios.rows()),
        Scenario(**soak_scenario.row()),
    )
}


class Family(NamedTuple):
    """Scenarios `<family>-<number>` that differ in one number, which is that of users or of requests a second.

    `description` has {n} in the place of the number; `changes` are the fields of the scenario for a number.
    """

    description: str
    max_number: int
    changes: Callable[[int], dict[str, Any]]


def _sustained(users: int) -> dict[str, Any]:
    thinking = {"think_s": (1.0, 3.0), "steady": True}
    return {"kind": "sustained", "users": users, "warmup_s": 5.0, "duration_s": 30.0, **thinking}


def _open(rate: int, *pieces: Piece) -> dict[str, Any]:
    rates = pieces or (Piece(30.0, rate, rate),)
    return {
        "kind": "open",
        "users": max(MIN_IN_FLIGHT, rate),
        "warmup_s": 5.0,
        "duration_s": sum(piece.duration_s for piece in rates),
        "rates": rates,
        "steady": not pieces,
    }


def _steps(rate: int) -> dict[str, Any]:
    return _open(rate, *(Piece(10.0, rate * step / 5, rate * step / 5) for step in range(1, 6)))


FAMILIES = {
    "burst": Family(
        "{n} users at once make one pass login → dashboard → search for BAG, without think time.",
        MAX_USERS,
        lambda users: {"kind": "burst", "users": users},
    ),
    "sustained": Family("{n} users with 1–3 s of think time, for 30 s after 5 s of warm-up.", MAX_USERS, _sustained),
    "open": Family(
        "{n} requests are due each second whatever the responses, for 30 s after 5 s of warm-up.", MAX_RATE_RPS, _open
    ),
    "overload": Family(overload.DESCRIPTION, overload.MAX_TIMES, overload.overload),
    "heavy-search": Family(light_reads.HEAVY_SEARCH, MAX_USERS, light_reads.heavy_search),
    "upstream": Family(light_reads.UPSTREAM, MAX_USERS, light_reads.upstream),
    "steps": Family(
        "A fifth of {n} requests each second, then two fifths, and so on, for 10 s each.", MAX_RATE_RPS, _steps
    ),
    "ramp": Family(
        "From 1 to {n} requests each second, rising evenly for 60 s.",
        MAX_RATE_RPS,
        lambda rate: _open(rate, Piece(60.0, 1.0, rate)),
    ),
}


class Variant(NamedTuple):
    """A scenario of a family with some fields changed: `<family>-<number>-<variant>`."""

    description: str
    changes: Mapping[str, Any]


VARIANTS = {
    "write": Variant(
        "with scans as a fifth of the requests; each is looked up in the database afterwards.",
        {"shares": endpoints.READ_WRITE_SHARES},
    ),
    "mix": Variant(
        "with search terms from a seeded mix: whole ids, fragments, words without a match.", {"terms": "mix"}
    ),
    "shared-jar": Variant(
        "as the published script did it: one account and one cookie jar for all users, any 200 or 302 is a success.",
        {"user_classes": "published"},
    ),
}
NAME = re.compile(rf"({'|'.join(FAMILIES)})-([1-9][0-9]*)(?:-({'|'.join(VARIANTS)}))?")
# For the list of scenarios: those of the published report and of the profiles. Any number will do.
EXAMPLES = (
    arms.BURST_25, arms.BURST_50, arms.BURST_100, arms.BURST_50_MIX, arms.BURST_50_SHARED_JAR, arms.SUSTAINED_100,
    arms.SUSTAINED_100_WRITE, "open-100", "open-100-write", "steps-100", "ramp-100",
    arms.OVERLOADS[5], arms.HEAVY_SEARCH_2, arms.UPSTREAM_50, arms.UPSTREAM_300,
)  # fmt: skip
LISTED = (*FIXED, *EXAMPLES)


def find(name: str) -> Scenario:
    """The scenario of this name. Raises `UsageError` for an unknown name."""
    if name in FIXED:
        return FIXED[name]
    parts = NAME.fullmatch(name)
    if not parts or (parts[1] == "burst" and parts[3] == "write"):  # a burst's pass has no scan
        hint = nearest_name.hint(name, LISTED)
        numbered = "" if hint.endswith("?") else ", or another number in one of them"
        raise UsageError(f"there is no scenario {name!r}; {hint}{numbered}")
    family, number = FAMILIES[parts[1]], int(parts[2])
    if number > family.max_number:
        raise UsageError(f"{name} is too large; {parts[1]} goes up to {parts[1]}-{family.max_number}")
    description = family.description.format(n=number)
    scenario = Scenario(name=f"{parts[1]}-{number}", description=description, **family.changes(number))
    return _variant(scenario, parts[3]) if parts[3] else scenario


def _variant(scenario: Scenario, variant: str) -> Scenario:
    description = f"{scenario.name} {VARIANTS[variant].description}"
    return replace(scenario, name=f"{scenario.name}-{variant}", description=description, **VARIANTS[variant].changes)


def settings(scenario: Scenario) -> dict[str, Any]:
    """The fields of a scenario that are not the defaults, name and description apart."""
    default = Scenario(name=scenario.name, description=scenario.description, kind=scenario.kind)
    values = {field.name: getattr(scenario, field.name) for field in fields(Scenario)}
    return {name: value for name, value in values.items() if value != getattr(default, name)}
