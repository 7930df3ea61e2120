"""An experiment with arms of a user's own: checkouts, deployments, commands or URLs, the first one the baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.arms import BURST_50, READS, TUNED
from workbench.declared_arms import CHECKOUT, COMMAND, DEPLOYMENT, KEY, ON_OWN_DATABASE, URL
from workbench.errors import UsageError, UserError
from workbench.primary_metrics import PrimaryMetric
from workbench.redaction import redacted

from . import arm_source, missing_programs, scenarios
from .arm_source import ArmSource
from .declared_loads import DeclaredLoad, DeclaredSearch
from .profile import Arm, Profile, Search
from .scenarios import Scenario
from .target import Target, Users

PROFILE = "comparison"  # the name of the profile in a record
MIN_BLOCKS, BLOCKS, MAX_BLOCKS = 4, 8, 200
MAX_SCENARIOS = 10
TARGET = "target"  # what runs of commands and URLs have in the place of a deployment
BURST_S = 1.0  # that a burst is expected to take, for the progress bar


@dataclass(frozen=True)
class Comparison:
    """The arms to compare, and how: under which scenarios, in how many blocks.

    Checkouts serve as `deployment`. `users` are those of commands and URLs; `confirmed` are hosts of URLs that are not
    this machine. A `workbench.toml` declares the `loads` of its scenarios, `searches` for the capacity of each arm,
    what is a `success` by endpoint (see `generator.success_rules`), and `objectives`; `application` has its facts.
    """

    arms: tuple[ArmSource, ...]
    deployment: str
    scenarios: tuple[str, ...]
    blocks: int
    users: Users = field(default_factory=Users)
    confirmed: tuple[str, ...] = ()
    loads: Mapping[str, DeclaredLoad] = field(default_factory=dict)
    searches: tuple[DeclaredSearch, ...] = ()
    success: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    objectives: tuple[Mapping[str, Any], ...] = ()
    application: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_options(
        cls,
        arms: Sequence[str],
        deployment: str | None = None,
        scenario_names: Sequence[str] = (),
        blocks: int | None = None,
        users: Users | None = None,
        confirmed: Sequence[str] = (),
        *,
        has_objective: bool = False,
    ) -> "Comparison":
        """The comparison that a command line asks for; with an objective of its arms one is enough.

        Raises `UsageError` for options that do not fit together.
        """
        parsed, users = arm_source.parse_all(arms, has_objective=has_objective), users or Users()
        if parsed[0].kind in ON_OWN_DATABASE and users != Users():
            raise UsageError("--locustfile, tags and certificates go with commands and URLs; a checkout or deployment "
                             "has the users of TraceTrack")  # fmt: skip
        if parsed[0].kind != CHECKOUT and deployment:
            raise UsageError("--deployment is what checkouts serve as; another arm has its own set-up")
        if confirmed and not any(arm.kind == URL for arm in parsed):
            raise UsageError("--confirm-target goes with arms that are URLs")
        default = (BURST_50, READS) if parsed[0].kind in ON_OWN_DATABASE else (BURST_50,)
        comparison = cls(
            parsed,
            (deployment or TUNED) if parsed[0].kind == CHECKOUT else TARGET,
            tuple(dict.fromkeys(scenario_names or default)),
            BLOCKS if blocks is None else blocks,
            users,
            tuple(confirmed),
        )
        comparison.check()
        return comparison

    def check(self) -> None:
        """Raise `UserError` for a scenario, a deployment, a host or a locustfile that cannot be used."""
        if not self.application and not MIN_BLOCKS <= self.blocks <= MAX_BLOCKS:
            raise UsageError(f"--blocks {self.blocks}: fewer than {MIN_BLOCKS} blocks decide nothing, and more than "
                             f"{MAX_BLOCKS} are too many")  # fmt: skip
        if not self.application and len(self.scenarios) > MAX_SCENARIOS:
            raise UsageError(f"{len(self.scenarios)} scenarios are too many for one experiment; give at most "
                             f"{MAX_SCENARIOS}")  # fmt: skip
        served = [arm.value for arm in self.arms if arm.kind == DEPLOYMENT]
        for name in [self.deployment] if self.serves_checkouts else served:
            missing_programs.require_for(name)
        for name in self.scenarios:
            self._check_scenario(self.scenario(name))
        self.users.check()
        for target in [Target.parse(arm.value) for arm in self.arms if arm.kind == URL]:
            target.require_confirmed(target.host if target.host in self.confirmed else None)

    def _check_scenario(self, scenario: Scenario) -> None:
        if scenario.kind == "start":
            raise UsageError(f"the scenario {scenario.name} sends nothing, so there is nothing to compare")
        if scenario.sql_before and not self.has_database:
            raise UsageError(f"the scenario {scenario.name} needs a database of the workbench, which checkouts and "
                             "deployments have")  # fmt: skip

    def arm(self, name: str) -> ArmSource:
        """The arm of this name."""
        return next(arm for arm in self.arms if arm.name == name)

    def scenario(self, name: str) -> Scenario:
        """The declared scenario of this name, or the workbench's own. Raises `UserError` for an unknown name."""
        return self.loads[name].scenario if name in self.loads else scenarios.find(name)

    def users_of(self, scenario: str) -> Users:
        """The users of a scenario: its own, those of a search for the loads of its family, or those of all."""
        if scenario in self.loads:
            return self.loads[scenario].users
        of_search = (search.users for search in self.searches if scenario.startswith(f"{search.family}-"))
        return next(of_search, self.users)

    @property
    def serves_checkouts(self) -> bool:
        """True where the arms are checkouts."""
        return self.arms[0].kind == CHECKOUT

    @property
    def p95_ms(self) -> float | None:
        """The bound on p95 of every endpoint in searches for capacity; None without one."""
        return self.searches[0].p95_ms if self.searches else None

    @property
    def has_database(self) -> bool:
        """True where each arm serves on a database of the workbench."""
        return self.arms[0].kind in ON_OWN_DATABASE

    def deployment_of(self, name: str) -> str:
        """The deployment that an arm serves as; `TARGET` for a command or URL."""
        return next((arm.value for arm in self.arms if (arm.name, arm.kind) == (name, DEPLOYMENT)), self.deployment)

    def profile(self) -> Profile:
        """The arms under each scenario. The baseline of others runs twice in a block, and each is compared with it."""
        candidates = tuple(arm.name for arm in self.arms[1:])
        return Profile(
            "arms of a user's own",
            "production",
            tuple(
                Arm(arm.name, name, self._blocks(name), _load_s(self.scenario(name)),
                    replicated=bool(candidates) and arm == self.arms[0])
                for name in self.scenarios
                for arm in self.arms
            ),
            tuple(self._search(search, arm) for search in self.searches for arm in self.arms),
            primary=tuple(
                PrimaryMetric(metric, name, candidates)
                for name in self.scenarios
                for metric in self._primary_metrics(name)
            ),
        )  # fmt: skip

    def _search(self, declared: DeclaredSearch, arm: ArmSource) -> Search:
        """The search for the capacity of an arm; in requests a second it is predicted where the arm says how it serves.

        The prediction is made from the smallest steady open load of the same users.
        """
        rates = {
            name: load.scenario.rates[0].from_rps
            for name, load in self.loads.items()
            if load.scenario.kind == declared.family == "open" and load.scenario.steady and load.users == declared.users
        }
        base = min(rates, key=rates.__getitem__) if rates and arm.start.serving else ""
        return Search(
            arm.name, declared.family, declared.first, declared.most, declared.warmup_s, declared.duration_s,
            arm.name if base else "", base, declared.blocks, declared.p95_ms,
        )  # fmt: skip

    def _blocks(self, scenario: str) -> int:
        return (self.loads[scenario].blocks if scenario in self.loads else 0) or self.blocks

    def _primary_metrics(self, name: str) -> tuple[str, ...]:
        """The metrics that get a verdict: time, work, and the tail, of TraceTrack's users that of the reads.

        The duration of a load that ends by the clock says nothing. CPU time is read of what the workbench starts, and
        not of single requests, whose warm-up it contains.
        """
        scenario = self.scenario(name)
        prefix = "response_" if scenario.kind == "open" else ""
        times = (
            ["makespan_s"] if scenario.kind in ("single", "burst") and not scenario.duration_s else [f"{prefix}mean_ms"]
        )
        if scenario.kind != "single" and all(arm.kind != URL for arm in self.arms):
            times.append("cpu_ms")
        if self.has_database and scenario.kind == "single":
            times.append("database_ms")
        if self.users_of(name).locustfile is None:
            return (*times, f"{prefix}reads_p95_ms")
        return tuple(times) if scenario.kind == "single" else (*times, f"{prefix}p95_ms")

    def record(self, sources: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """The entry in the record of an experiment; `sources` are the facts of each arm, by name."""
        declared = {"success": dict(self.success), "objectives": list(self.objectives)} if self.application else {}
        return {
            "arms": [{"name": arm.name, **sources[arm.name]} for arm in self.arms],
            **self._options(),
            **declared,
        }

    def _options(self) -> dict[str, Any]:
        users = self.users
        return {
            "deployment": self.deployment, "scenarios": list(self.scenarios), "blocks": self.blocks,
            "locustfile": users.locustfile and str(users.locustfile), "users": users.digest(), "tags": list(users.tags),
            "without_tags": list(users.without_tags), "tls": users.tls, "confirmed": list(self.confirmed),
            **({"application": dict(self.application)} if self.application else {}),
        }  # fmt: skip

    @classmethod
    def from_record(cls, record: Mapping) -> "Comparison | None":
        """The comparison that an experiment was started with; None for an experiment of deployments.

        Raises `UserError` where it cannot be known, as a secret was left out of its record.
        """
        if not (stored := record.get(KEY)):
            return None
        arms = tuple(
            ArmSource(arm["name"], arm["kind"], _value(arm), arm.get("folder", "") if arm["kind"] == COMMAND else "")
            for arm in stored["arms"]
        )
        if hidden := [arm.name for arm in arms if "***" in arm.value]:
            raise UserError(f"the record of {record['experiment']} leaves out a secret of arm {hidden[0]}; give all of "
                            "its --arm once more to resume it")  # fmt: skip
        locustfile = stored.get("locustfile")
        users = Users(
            Path(locustfile) if locustfile else None, tuple(stored.get("tags") or ()),
            tuple(stored.get("without_tags") or ()), stored.get("tls") or "",
        )  # fmt: skip
        return cls(arms, stored["deployment"], tuple(stored["scenarios"]), stored["blocks"], users,
                   tuple(stored.get("confirmed") or ()))  # fmt: skip

    @classmethod
    def resumed(cls, record: Mapping, given: "Comparison | None") -> "Comparison | None":
        """The comparison with which an experiment goes on; None for an experiment of deployments.

        Raises `UserError` where another one is given, or the recorded one cannot be used any more.
        """
        if given:
            given.require_same(record)
            return given
        if started := cls.from_record(record):
            started.check()
            started.require_same(record)
        return started

    def require_same(self, record: Mapping) -> None:
        """Raise `UserError` where an experiment was started with other arms or options."""
        stored = record.get(KEY) or {}
        arms = [(arm["name"], arm["kind"], _value(arm)) for arm in stored.get("arms", ())]
        own = [(arm.name, arm.kind, redacted(arm.value)) for arm in self.arms]
        others = [name for name, value in self._options().items() if stored.get(name) != value]
        if others == ["users"]:
            raise UserError(f"{self.users.locustfile} was changed since experiment {record['experiment']} was started; "
                            "choose another name")  # fmt: skip
        if arms != own or others:
            what = ", ".join(["arms"] * (arms != own) + others)
            raise UserError(f"experiment {record['experiment']} was started with other values of {what}; leave them "
                            "out, or choose another name")  # fmt: skip


def _value(arm: Mapping[str, Any]) -> str:
    """The folder, command or address in the entry of an arm."""
    return arm.get("folder" if arm["kind"] == CHECKOUT else arm["kind"]) or ""


def _load_s(scenario: Scenario) -> float:
    return scenario.expected_s() if scenario.duration_s else BURST_S
