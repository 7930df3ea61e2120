"""Arms × blocks: which runs an experiment has, in which order, and carrying them out."""

import json
import random
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from analysis.directories import data_directory, runs_directory
from analysis.problem import Problem

from . import dataset, deployments, environment, progress, run, services

# What a run costs beside its load: clone, start, stop.
OVERHEAD_S = 7.0
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True)
class Arm:
    """One deployment under one scenario, `blocks` times; `load_s` is what a run is expected to take."""

    deployment: str
    scenario: str
    blocks: int
    load_s: float


@dataclass(frozen=True)
class Profile:
    description: str
    scale: str
    arms: tuple[Arm, ...]


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
STORE_ARMS = ("tuned-with-shared-cache", "tuned-with-cookie-sessions")
ADVICE_ARMS = ("as-advised", "gevent-blocking")
REQUEST_ARMS = ("as-measured", "as-claimed", "tuned", *ADVICE_ARMS, *WITHOUT_ARMS, *STORE_ARMS)
POOL_ARMS = ("tuned", "tuned-with-fifo", "tuned-with-published-pool")

MAIN = ("as-measured", "as-claimed", "as-advised", "tuned")
DATABASE = (
    *(Arm(deployment, "reads", 4, 5) for deployment in ("as-measured", *READ_ARMS, *MORE_READ_ARMS)),
    *(Arm(deployment, "sustained-100-write", 1, 36) for deployment in POOL_ARMS),
    *(Arm(deployment, "start", 1, 1) for deployment in ("as-advised", "as-advised-at-default")),
    Arm("as-measured-on-rds", "missing-table", 1, 1),
)

PROFILES = {
    "quick": Profile(
        "the published tables and what is behind them, in a few minutes",
        "production",
        (
            Arm("as-measured", "single", 1, 10),
            Arm("tuned", "single", 1, 3),
            Arm("as-measured", "burst-25", 1, 6),
            Arm("tuned", "burst-25", 1, 1),
            Arm("as-measured", "burst-50", 2, 12),
            Arm("as-claimed", "burst-50", 2, 8),
            Arm("tuned", "burst-50", 2, 2),
            Arm("as-measured", "burst-50-mix", 1, 25),
            Arm("tuned", "burst-50-mix", 1, 2),
            Arm("tuned", "sustained-100-write", 1, 38),
            Arm("tuned", "sustained-100", 1, 38),
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
            *(Arm(deployment, "burst-50", 4, 3) for deployment in REQUEST_ARMS),
            Arm("tuned", "single", 4, 3),
            Arm("tuned", "sustained-100", 4, 38),
        ),
    ),
    "database": Profile("what each choice on the way to the database is worth, in four blocks", "production", DATABASE),
    "full": Profile(
        "the main deployments under every load, bursts in four blocks, and what the profiles database and requests add",
        "production",
        (
            *(
                Arm(deployment, scenario, 4 if scenario.startswith("burst") else 1, 20)
                for deployment in MAIN
                for scenario in ("single", "burst-25", "burst-50", "burst-100", "burst-50-mix", "sustained-100")
            ),
            *(Arm(deployment, "burst-50", 4, 3) for deployment in ("gevent-blocking", *WITHOUT_ARMS, *STORE_ARMS)),
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
            Arm("as-measured", "reads", 1, 1),
            Arm("as-measured-on-rds", "missing-table", 1, 1),
            Arm("as-advised-at-default", "start", 1, 1),
        ),
    ),
}


@dataclass(frozen=True)
class Plan:
    """The runs of an experiment in their order: random within each block, the same again from the same seed."""

    profile: str
    scale: str
    seed: int
    orders: tuple[run.Order, ...]
    expected_s: tuple[float, ...]


def plan(profile: str, scale: str | None, seed: int) -> Plan:
    """Raises `Problem` for a profile or scale that does not exist."""
    if profile not in PROFILES:
        raise Problem(f"there is no profile {profile!r}; choose one of {', '.join(PROFILES)}")
    scale = scale or PROFILES[profile].scale
    dataset.find_scale(scale)
    shuffled = random.Random(seed)
    orders, expected_s = [], []
    for block in range(max(arm.blocks for arm in PROFILES[profile].arms)):
        arms = [arm for arm in PROFILES[profile].arms if block < arm.blocks]
        shuffled.shuffle(arms)
        for position, arm in enumerate(arms):
            order = run.Order(
                deployment=arm.deployment,
                scenario=arm.scenario,
                scale=scale,
                seed=seed * 1000 + block,
                block=block,
                position=position,
            )
            orders.append(order)
            expected_s.append(OVERHEAD_S + arm.load_s)
    return Plan(profile, scale, seed, tuple(orders), tuple(expected_s))


def new_name(profile: str) -> str:
    """An id from the time and the profile."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{profile}"


def execute(plan: Plan, name: str | None = None) -> str:
    """Carry out the plan and return the experiment's id.

    Raises `Problem` if an experiment of that name exists. A run that aborts ends the experiment.
    """
    name = name or new_name(plan.profile)
    if not NAME.fullmatch(name):
        raise Problem(f"{name!r} cannot be an experiment's id; use up to 80 letters, digits, dots, dashes, underscores")
    directory = runs_directory() / name
    if directory.exists():
        raise Problem(f"experiment {name} exists already; recorded experiments are never changed, choose another name")
    with _server(plan.orders[0]) as server:
        _prepare_templates(server, plan)
        record = _record(name, plan, server)
    directory.mkdir(parents=True)
    _write(directory, record | {"status": "running"})
    with progress.steps("measuring", sum(plan.expected_s)) as shown:
        pairs = zip(plan.orders, plan.expected_s, strict=True)
        # The server starts anew where a deployment declares another number of connections.
        for _, group in groupby(pairs, key=lambda pair: _connections(pair[0])):
            group = list(group)
            with _server(group[0][0]) as server:
                for order, expected_s in group:
                    shown.begin(f"{order.deployment} {order.scenario}, block {order.block + 1}", expected_s)
                    run.execute(server, order, directory / _run_name(order))
    _write(directory, record | {"status": "complete"})
    return name


def _server(order):
    return services.database_server(data_directory() / "postgres", _connections(order))


def _connections(order):
    return deployments.find(order.deployment).max_connections


def _prepare_templates(server, plan):
    """Build what the runs clone beforehand: it is no part of the measuring."""
    for indexes in sorted({deployments.find(order.deployment).indexes for order in plan.orders}):
        dataset.ensure_template(server, plan.scale, indexes)


def _run_name(order):
    return f"{order.block + 1}-{order.position + 1:02d}-{order.deployment}-{order.scenario}"


def _record(name, plan, server):
    return {
        "experiment": name,
        "profile": plan.profile,
        "scale": plan.scale,
        "seed": plan.seed,
        "runs": [{"run": _run_name(order), **asdict(order)} for order in plan.orders],
        "environment": environment.describe(server),
    }


def _write(directory: Path, record: dict) -> None:
    half = directory / "experiment.json.half"
    half.write_text(json.dumps(record, indent=2) + "\n")
    half.rename(directory / "experiment.json")
