"""Experiment profiles: which deployments go under which scenarios, in how many blocks, on which data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from analysis.capacity.bracket import HIGHEST_P95_MS
from workbench.errors import UserError

DEFAULT = "quick"


@dataclass(frozen=True)
class Arm:
    """One deployment under one scenario, in the first `blocks` blocks; `load_s` is what a run is expected to take.

    A baseline runs `twice` in each of them: what differs between the two is noise. `changes` are to the scenario.
    """

    deployment: str
    scenario: str
    blocks: int
    load_s: float
    twice: bool = False
    changes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Search:
    """A deployment whose capacity is looked for: in requests a second (open) or users (sustained).

    A load is certified or refuted by so many `blocks`. The arm of deployment `base` under `base_scenario` is what a
    model foretells the capacity from; without one the search begins with the load `first`. `most` is the highest load
    that may be; the family's own where it is None. `p95_ms` is what p95 of every endpoint has to be below.
    """

    deployment: str
    family: Literal["open", "sustained"]
    first: int
    most: int | None = None
    warmup_s: float = 5.0
    duration_s: float = 20.0
    base: str = ""
    base_scenario: str = ""
    blocks: int = 1
    p95_ms: float = HIGHEST_P95_MS


@dataclass(frozen=True)
class Profile:
    description: str
    scale: str
    arms: tuple[Arm, ...] = ()
    searches: tuple[Search, ...] = ()


READ_ARMS = (
    "as-measured-with-no-pool",
    "as-measured-with-no-pre-ping",
    "as-measured-with-autocommit",
    "as-measured-with-separate",
    "as-measured-with-summary",
    "as-measured-with-trigram",
)
MORE_READ_ARMS = ("as-measured-with-deadlines", "as-measured-with-no-index", "cross-region")
WITHOUT_ARMS = (
    "tuned-without-cache",
    "tuned-without-pool",
    "tuned-without-index",
    "tuned-without-argon2",
    "tuned-without-aggregate",
    "tuned-without-workers",
    "tuned-without-shared-sessions",
    "tuned-without-hash-limit",
)
TOGETHER_ARMS = ("tuned-without-cache-and-index", "tuned-without-argon2-and-hash-limit")
STORE_ARMS = ("tuned-with-shared-cache", "tuned-with-cookie-sessions")
ADVICE_ARMS = ("as-advised", "gevent-blocking")
REQUEST_ARMS = ("as-measured", "as-claimed", "tuned", *ADVICE_ARMS, *WITHOUT_ARMS, *STORE_ARMS)
POOL_ARMS = ("tuned", "tuned-with-fifo", "tuned-with-published-pool")
BASELINES = ("as-measured", "tuned")  # what the others of their scenario are compared with

# About a third of what each holds: hardly any request waits for another, and none takes what it takes on a machine that
# is nearly idle.
SMALL_LOADS = {
    "as-measured": "sustained-16",
    "as-advised": "sustained-100",
    "tuned": "sustained-512",
    "tuned-with-short-cache": "sustained-512",
    "tuned-without-cache": "sustained-384",
}
# What is foretold of which deployment from which one.
WHAT_IFS = {
    "as-measured": ("as-measured-with-two-workers", "as-measured-with-two-threads", "as-measured-with-5-ms"),
    "tuned": ("tuned-with-one-worker", "tuned-with-two-threads", "tuned-without-argon2"),
    "tuned-with-short-cache": ("tuned-without-cache",),
    "tuned-without-cache": ("tuned-without-cache-with-5-ms", "tuned-without-cache-with-5-ms-and-one-connection"),
}
# So long until as many users as each holds have logged in, and nothing of it is in the queues.
LOGINS_S = {
    "as-measured-with-two-workers": 10.0,
    "as-measured-with-two-threads": 10.0,
    "as-measured-with-5-ms": 5.0,
    "tuned-with-one-worker": 15.0,
    "tuned-with-two-threads": 15.0,
    "tuned-without-argon2": 30.0,
    "tuned-without-cache": 12.0,
    "tuned-without-cache-with-5-ms": 12.0,
    "tuned-without-cache-with-5-ms-and-one-connection": 8.0,
}

SHORT = {"warmup_s": 3.0, "duration_s": 15.0}

MAIN = ("as-measured", "as-claimed", "as-advised", "tuned")
DATABASE = (
    Arm("as-measured", "reads", 4, 5, twice=True),
    *(Arm(deployment, "reads", 4, 5) for deployment in (*READ_ARMS, *MORE_READ_ARMS)),
    *(Arm(deployment, "sustained-100-write", 1, 36) for deployment in POOL_ARMS),
    *(Arm(deployment, "start", 1, 1) for deployment in ("as-advised", "as-advised-at-default")),
    Arm("as-measured-on-rds", "missing-table", 1, 1),
)


def _small_load(deployment: str) -> Arm:
    """The run that a model learns a deployment from."""
    return Arm(deployment, SMALL_LOADS[deployment], 1, 35, changes={"warmup_s": 5.0, "duration_s": 30.0})


def _capacity(deployment: str, family: str, first: int, base: str | None = None, **more) -> Search:
    base = base or deployment
    return Search(deployment, family, first, base=base, base_scenario=SMALL_LOADS[base], **more)


PROFILES = {
    "quick": Profile(
        "the published tables and what is behind them, in a few minutes",
        "production",
        (
            Arm("as-measured", "single", 1, 10),
            Arm("tuned", "single", 1, 3),
            Arm("as-measured", "burst-25", 1, 6),
            Arm("tuned", "burst-25", 1, 1),
            Arm("as-measured", "burst-50", 4, 12, twice=True),
            Arm("tuned", "burst-50", 4, 1),
            Arm("as-claimed", "burst-50", 1, 8),
            Arm("as-measured", "burst-10-mix", 1, 6),
            Arm("tuned", "burst-10-mix", 1, 1),
            Arm("tuned", "sustained-100-write", 1, 19, changes=SHORT),
            Arm("tuned", "sustained-100", 1, 19, changes=SHORT),
            *(Arm(deployment, "burst-50", 1, 3) for deployment in (*ADVICE_ARMS, *WITHOUT_ARMS, *STORE_ARMS)),
            *(Arm(deployment, "reads", 1, 4) for deployment in ("as-measured", *READ_ARMS)),
            Arm("as-measured-on-rds", "missing-table", 1, 1),
            Arm("as-advised-at-default", "start", 1, 1),
        ),
    ),
    "requests": Profile(
        "what each choice on the request side is worth, in four blocks",
        "production",
        (
            *(Arm(deployment, "burst-50", 4, 3, twice=deployment in BASELINES) for deployment in REQUEST_ARMS),
            Arm("tuned", "single", 4, 3),
            Arm("tuned", "sustained-100", 4, 38),
        ),
    ),
    "database": Profile("what each choice on the way to the database is worth, in four blocks", "production", DATABASE),
    "ablation": Profile(
        "tuned with one optimisation taken away at a time, and two pairs of them, in four blocks",
        "production",
        tuple(
            Arm(deployment, scenario, 4, 3, twice=deployment == "tuned")
            for deployment in ("tuned", *WITHOUT_ARMS, *TOGETHER_ARMS)
            for scenario in ("burst-50", "reads")
        ),
    ),
    "capacity": Profile(
        "how many requests a second, and how many users, a deployment holds: load after load until it is known",
        "production",
        tuple(_small_load(deployment) for deployment in ("as-measured", "as-advised", "tuned")),
        (
            _capacity("as-measured", "open", 8, blocks=5),
            _capacity("as-advised", "open", 32, blocks=5),
            _capacity("tuned", "open", 128, blocks=5),
            _capacity("as-measured", "sustained", 16, blocks=5),
            # Until all have logged in takes longer than the usual warm-up.
            _capacity("tuned", "sustained", 256, blocks=5, warmup_s=15.0),
        ),
    ),
    "what-if": Profile(
        "what another number of workers, threads or connections, another cache, hash or way to the database would do: "
        "foretold, then run",
        "production",
        tuple(_small_load(deployment) for deployment in WHAT_IFS),
        tuple(
            _capacity(other, "sustained", 8, base=base, warmup_s=LOGINS_S[other])
            for base, others in WHAT_IFS.items()
            for other in others
        ),
    ),
    "full": Profile(
        "the main deployments under every load, bursts in four blocks, and what the profiles database and requests add",
        "production",
        (
            *(
                Arm(deployment, scenario, 4 if scenario.startswith("burst") else 1, 20)
                for deployment in MAIN
                for scenario in ("single", "burst-25", "burst-100", "burst-50-mix", "sustained-100")
            ),
            *(Arm(deployment, "burst-50", 4, 20, twice=deployment in BASELINES) for deployment in MAIN),
            *(Arm(deployment, "burst-50", 4, 3) for deployment in ("gevent-blocking", *WITHOUT_ARMS, *STORE_ARMS)),
            Arm("as-measured", "burst-50-shared-jar", 1, 12),
            Arm("as-measured", "sustained-100-write", 1, 50),
            *DATABASE,
        ),
    ),
    "smoke": Profile(
        "the smallest experiment that fills most sections of the report, on small data; its figures mean nothing",
        "small",
        (
            Arm("as-measured", "single", 1, 5),
            Arm("tuned", "single", 1, 2),
            Arm("as-measured", "burst-25", 1, 4),
            Arm("tuned", "burst-25", 1, 1),
            Arm("as-measured", "burst-50", 1, 8),
            Arm("tuned", "burst-50", 1, 1),
            Arm("as-measured", "reads", 1, 1, twice=True),
            Arm("as-measured-on-rds", "missing-table", 1, 1),
            Arm("as-advised-at-default", "start", 1, 1),
            Arm("tuned", "sustained-24", 1, 4, changes={"warmup_s": 1.0, "duration_s": 3.0}),
        ),
        (Search("tuned", "open", 4, most=8, warmup_s=0.5, duration_s=2.0, base="tuned", base_scenario="sustained-24"),),
    ),
}


def find(name: str) -> Profile:
    """Raises `UserError` for a name that does not exist."""
    if name not in PROFILES:
        raise UserError(f"there is no profile {name!r}; choose one of {', '.join(PROFILES)}")
    return PROFILES[name]
