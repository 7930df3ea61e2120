"""Arms × blocks: which runs an experiment has, in which order, and carrying them out."""

import json
import random
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from analysis.directories import data_directory, runs_directory
from analysis.problem import Problem

from . import dataset, deployments, environment, progress, run, scenarios, services

# What a run costs beside its load: clone, start, stop.
OVERHEAD_S = 7.0


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
            Arm("as-measured", "sustained-100", 1, 55),
            Arm("tuned", "sustained-100", 1, 36),
        ),
    ),
    "full": Profile(
        "every deployment under every scenario, bursts in four blocks",
        "production",
        tuple(
            Arm(deployment, scenario, 4 if scenario.startswith("burst") else 1, 20)
            for deployment in deployments.DEPLOYMENTS
            for scenario in scenarios.SCENARIOS
        ),
    ),
    "smoke": Profile(
        "the smallest experiment that fills every section of the report, on small data; its figures mean nothing",
        "small",
        (
            Arm("as-measured", "single", 1, 5),
            Arm("tuned", "single", 1, 2),
            Arm("as-measured", "burst-25", 1, 4),
            Arm("tuned", "burst-25", 1, 1),
            Arm("as-measured", "burst-50", 1, 8),
            Arm("as-claimed", "burst-50", 1, 8),
            Arm("tuned", "burst-50", 1, 1),
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


def execute(plan: Plan, name: str | None = None) -> str:
    """Carry out the plan and return the experiment's id.

    Raises `Problem` if an experiment of that name exists. A run that aborts ends the experiment.
    """
    name = name or f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{plan.profile}"
    directory = runs_directory() / name
    if directory.exists():
        raise Problem(f"experiment {name} exists already; recorded experiments are never changed, choose another name")
    most_connections = max(deployments.find(order.deployment).max_connections for order in plan.orders)
    with services.database_server(data_directory() / "postgres", most_connections) as server:
        _prepare_templates(server, plan)
        directory.mkdir(parents=True)
        _write(directory, plan, server, "running")
        with progress.steps("measuring", sum(plan.expected_s)) as shown:
            for order, expected_s in zip(plan.orders, plan.expected_s, strict=True):
                shown.begin(f"{order.deployment} {order.scenario}, block {order.block + 1}")
                run.execute(server, order, directory / _run_name(order))
                shown.end(expected_s)
        _write(directory, plan, server, "complete")
    return name


def _prepare_templates(server, plan):
    """Build what the runs clone beforehand: it is no part of the measuring."""
    for indexes in sorted({deployments.find(order.deployment).indexes for order in plan.orders}):
        dataset.ensure_template(server, plan.scale, indexes)


def _run_name(order):
    return f"{order.block + 1}-{order.position + 1:02d}-{order.deployment}-{order.scenario}"


def _write(directory: Path, plan: Plan, server, status: str) -> None:
    record = {
        "experiment": directory.name,
        "profile": plan.profile,
        "scale": plan.scale,
        "seed": plan.seed,
        "status": status,
        "runs": [{"run": _run_name(order), **asdict(order)} for order in plan.orders],
        "environment": environment.describe(server),
    }
    half = directory / "experiment.json.half"
    half.write_text(json.dumps(record, indent=2) + "\n")
    half.rename(directory / "experiment.json")
