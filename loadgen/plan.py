"""The plan of an experiment: its runs, block by block, in a random order that is balanced over the blocks."""

import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import compress

from analysis.capacity.bracket import MAX_P95_MS
from workbench import left_out_arms, looks
from workbench.errors import UsageError
from workbench.left_out_arms import LeftOutArm
from workbench.primary_metrics import PrimaryMetric

from . import dataset, missing_programs, profiles, progress
from .block_order import balanced_orders
from .compared_arms import PROFILE, Comparison
from .profile import Arm, Profile, Search
from .run_spec import RunSpec

OVERHEAD_S = 1.2  # of a run beside its load: clone, start, stop
MAX_SEED = 999_999
SEEDS_PER_EXPERIMENT = 1000  # a block has the seed of the experiment times this, and its own number added


@dataclass(frozen=True)
class Plan:
    """The runs of an experiment in their order, with the seconds that each is expected to take, and its searches.

    The same profile, scale and seed give the same plan. `p95_ms` is the objective of searches for capacity and of arms.
    With `looks` the experiment ends after the first of these numbers of blocks at which all is decided. `left_out` are
    the arms that the machine cannot run. `repeats` is how often a disturbed run is made again at most.
    """

    profile: str
    scale: str
    seed: int
    specs: tuple[RunSpec, ...]
    expected_s: tuple[float, ...]
    searches: tuple[Search, ...] = ()
    p95_ms: float = MAX_P95_MS
    sentinel: Arm | None = None
    primary: tuple[PrimaryMetric, ...] = ()
    comparison: Comparison | None = None
    looks: tuple[int, ...] = ()
    left_out: tuple[LeftOutArm, ...] = ()
    repeats: int = 0

    @property
    def needs_database(self) -> bool:
        """False where no arm has a database of the workbench: commands and URLs."""
        return self.comparison is None or self.comparison.has_database

    def deployments(self) -> list[str]:
        """The deployments that are put under load, each once, the first one first."""
        searched = [search.deployment for search in self.searches]
        if self.comparison:
            searched = [self.comparison.deployment_of(name) for name in searched]
        names = [*(spec.deployment for spec in self.specs), *searched]
        return list(dict.fromkeys([*names, self.sentinel.deployment] if self.sentinel else names))

    def of_arm(self, spec: RunSpec) -> RunSpec:
        """A run whose deployment is named by its arm, as the run of that arm; as it is where there are no arms."""
        if self.comparison is None:
            return spec
        declared = self.comparison.loads.get(spec.scenario)
        return replace(
            spec, arm=spec.deployment, deployment=self.comparison.deployment_of(spec.deployment),
            declared=declared.scenario if declared else None,
        )  # fmt: skip

    def optional_facts(self) -> dict:
        """What its record has of it, and most records have not."""
        growing = {looks.KEY: list(self.looks), "until_decided": self.looks[-1]} if self.looks else {}
        return growing | ({left_out_arms.KEY: left_out_arms.to_record(self.left_out)} if self.left_out else {})

    def runnable(self) -> "Plan":
        """The plan without the arms that this machine cannot run; a line says which, and the rest goes on."""
        arms = dict.fromkeys((spec.deployment, spec.scenario) for spec in self.specs)
        reasons = {arm: reason for arm in arms if (reason := missing_programs.missing_for(*arm))}
        for reason in sorted(set(reasons.values())):
            names = {missing_programs.subject(*arm) for arm, other in reasons.items() if other == reason}
            progress.report(f"not measured: {', '.join(sorted(names))}: {reason}")
        kept = [(spec.deployment, spec.scenario) not in reasons for spec in self.specs]
        return replace(
            self,
            specs=tuple(compress(self.specs, kept)),
            expected_s=tuple(compress(self.expected_s, kept)),
            left_out=tuple(LeftOutArm(*arm, reason) for arm, reason in sorted(reasons.items())),
        )

    def blocks(self) -> int:
        """The number of blocks, those of the searches apart."""
        return len({spec.block for spec in self.specs})


def make_plan(
    profile: str, scale: str | None, seed: int, p95_ms: float | None = None, until_decided: int | None = None
) -> Plan:
    """Plan an experiment; None takes the profile's scale, the default objective, or the profile's own blocks.

    `until_decided` is the number of blocks at most, for an experiment that adds blocks until all is decided. Raises
    `UserError` for an unknown profile or scale, or a profile that compares nothing.
    """
    chosen = profiles.find(profile)
    if until_decided is None:
        return _plan(chosen, profile, scale, seed, p95_ms)
    if not chosen.primary:
        raise UsageError(f"the profile {profile} compares nothing, so that no number of blocks would decide it")
    grown = [replace(arm, blocks=until_decided) if arm.blocks >= looks.MIN_BLOCKS else arm for arm in chosen.arms]
    plan = _plan(replace(chosen, arms=tuple(grown)), profile, scale, seed, p95_ms)
    return replace(plan, looks=looks.plan(until_decided))


def comparison_plan(
    comparison: Comparison, scale: str | None, seed: int, p95_ms: float | None = None, until_decided: int | None = None
) -> Plan:
    """Plan an experiment with arms of a user's own; None takes the scale of production, or the default objective.

    With `until_decided` it adds blocks until all is decided, at most those of the comparison.
    """
    plan = _plan(comparison.profile(), PROFILE, scale, seed, p95_ms or comparison.p95_ms)
    fixed = looks.plan(until_decided) if until_decided else ()
    plan = replace(plan, comparison=comparison, looks=fixed)
    return replace(plan, specs=tuple(map(plan.of_arm, plan.specs)))


def _plan(chosen: Profile, profile: str, scale: str | None, seed: int, p95_ms: float | None) -> Plan:
    scale = scale or chosen.scale
    dataset.find_scale(scale)
    p95_ms = p95_ms or MAX_P95_MS
    specs, expected_s = [], []
    for block, runs in enumerate(_blocks(chosen, random.Random(seed))):
        for position, (arm, is_replicate) in enumerate(runs):
            specs.append(_spec(arm, scale, seed, block, position, is_replicate))
            expected_s.append(OVERHEAD_S + arm.load_s)
    searches = tuple(replace(search, p95_ms=p95_ms) for search in chosen.searches)
    planned = Plan(
        profile, scale, seed, tuple(specs), tuple(expected_s), searches, p95_ms, chosen.sentinel, _primary(chosen)
    )
    return replace(planned, repeats=chosen.repeats)


def _primary(profile: Profile) -> tuple[PrimaryMetric, ...]:
    """The primary metrics of the arms that the profile has."""
    arms = {(arm.deployment, arm.scenario) for arm in profile.arms}
    measured = (
        each._replace(deployments=tuple(name for name in each.deployments if (name, each.scenario) in arms))
        for each in profile.primary
    )
    return tuple(each for each in measured if each.deployments)


def fresh_seed() -> int:
    """Draw the seed of an experiment that was given none: the same order in every experiment is no random order."""
    return 1 + secrets.randbelow(MAX_SEED)


def _blocks(profile: Profile, random_order: random.Random) -> Iterator[list[tuple[Arm, bool]]]:
    """Yield the runs of each block in their order: each arm, and whether the run is its A/A replicate.

    Arms of one scenario with as many blocks follow each other, in orders that are balanced over their blocks: these are
    compared. A replicate is a treatment of its own. Which of these groups comes first in a block is random.
    """
    groups: dict[tuple[int, str], list[tuple[Arm, bool]]] = {}
    for arm in profile.arms:
        groups.setdefault((arm.blocks, arm.scenario), []).extend(
            (arm, replicate) for replicate in ([False, True][: 1 + arm.replicated])
        )
    orders = {group: balanced_orders(len(runs), group[0], random_order) for group, runs in groups.items()}
    for block in range(max((blocks for blocks, _ in groups), default=0)):
        present = [group for group in groups if block < group[0]]
        random_order.shuffle(present)
        yield [groups[group][treatment] for group in present for treatment in orders[group][block]]


def _spec(arm: Arm, scale: str, seed: int, block: int, position: int, is_replicate: bool) -> RunSpec:
    return RunSpec(
        deployment=arm.deployment,
        scenario=arm.scenario,
        scale=scale,
        seed=seed * SEEDS_PER_EXPERIMENT + block,
        changes=dict(arm.changes),
        block=block,
        position=position,
        replicate=is_replicate,
    )
