"""Carrying out an experiment: the runs of its plan, then its searches for capacity; or the rest of both."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from analysis.capacity.bracket import Probe
from analysis.capacity.sentinel import Sentinel
from workbench import declared_arms, primary_metrics, shell_commands
from workbench.errors import UserError
from workbench.paths import is_id, runs_directory
from workbench.record_format import FORMAT
from workbench.recording import open_run

from . import (
    block_looks,
    capacity_search,
    dataset,
    environment,
    experiment_record,
    experiment_servers,
    locust_runner,
    profiles,
    progress,
    repeated_runs,
    run_faults,
    server_connections,
    stop_request,
)
from .app_file.app_file import AppFile
from .arm_runs import ArmSystems
from .capacity_search import Round
from .compared_arms import Comparison
from .experiment_servers import Runner
from .plan import OVERHEAD_S, Plan, comparison_plan, fresh_seed, make_plan
from .prediction_log import PredictionLog
from .profile import Search
from .progress import Steps
from .resume import InterruptedExperiment
from .run_spec import RunSpec, run_name
from .services import DatabaseServer

PREDICTION_S = 15.0

TimedSpec = tuple[RunSpec, float]  # a run, and the seconds that it is expected to take
Measure = Callable[[Sequence[TimedSpec], float], None]


def plan_for(
    name: str | None,
    profile: str | None,
    scale: str | None,
    seed: int | None,
    p95_ms: float | None = None,
    comparison: Comparison | None = None,
    until_decided: int | None = None,
) -> Plan:
    """Plan the experiment of this name: the interrupted one, if there is one, else a new one.

    None takes the value of the interrupted experiment, or the default; for the seed that is a fresh one. A
    `comparison` of arms takes the place of a profile. `until_decided` is the number of blocks at
    most, for one that adds blocks until all is decided. Raises `UserError` if the experiment is complete, or was
    started with other values than are given.
    """
    interrupted = InterruptedExperiment.open(directory_of(name)) if name else None
    requested = {
        "profile": profile or None, "scale": scale or None, "seed": seed, "p95_ms": p95_ms,
        "until_decided": until_decided,
    }  # fmt: skip
    if interrupted:
        configuration = interrupted.configuration(requested)
        given = comparison or _comparison_of_file(interrupted.experiment.record)
        if started := Comparison.resumed(interrupted.experiment.record, given):
            configuration.pop("profile")
            return comparison_plan(started, **configuration)
        return make_plan(**configuration).runnable()
    seed = fresh_seed() if seed is None else seed
    if comparison:
        return comparison_plan(comparison, scale, seed, p95_ms, until_decided)
    return make_plan(profile or profiles.DEFAULT, scale, seed, p95_ms, until_decided).runnable()


def _comparison_of_file(record: Mapping[str, Any]) -> Comparison | None:
    """The comparison that an interrupted experiment's `workbench.toml` declares; None where it had none.

    Hosts that were confirmed when it was started need no further confirmation.
    """
    started = record.get(declared_arms.KEY) or {}
    if not (application := started.get("application")):
        return None
    confirmed, profile = started.get("confirmed") or (), application.get("profile", "")
    return AppFile.read(Path(application["file"])).comparison(confirmed, profile=profile)


def directory_of(name: str) -> Path:
    """The directory of an experiment. Raises `UserError` if the name cannot be an id."""
    if not is_id(name):
        raise UserError(
            f"{name!r} cannot be an experiment's id; use up to 128 letters, digits, dots, dashes, underscores"
        )
    return runs_directory() / name


def new_name(profile: str) -> str:
    """An id from the time and the profile."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{profile}"


def execute(plan: Plan, name: str | None = None) -> str:
    """Carry out the plan and return the experiment's id.

    An interrupted experiment of that name is resumed: its complete runs stay as they are. Raises `UserError` if it is
    complete, or was started with another plan, code, machine or dataset. A run that fails ends the experiment.
    """
    name = name or new_name(plan.profile)
    with resume_hint(name):
        _execute(plan, name)
    return name


@contextmanager
def resume_hint(name: str) -> Iterator[None]:
    """If the block starts or resumes the experiment and fails, print the command that resumes it."""
    record = directory_of(name) / "experiment.json"
    before_ns = _modified_ns(record)
    try:
        yield
    except BaseException:
        if _modified_ns(record) != before_ns:
            with suppress(OSError):  # the terminal may be gone
                resumed = shell_commands.make("report", f"EXPERIMENT={name}")
                click.echo(f"experiment {name} is not complete; resume it with: {resumed}", err=True)
        raise


def _modified_ns(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None


def _execute(plan: Plan, name: str) -> None:
    directory = directory_of(name)
    interrupted = InterruptedExperiment.open(directory)
    systems = ArmSystems.inspect(plan.comparison) if plan.comparison else None
    record = _start_record(plan, name, directory, interrupted, systems)
    with locust_runner.fork_server() as forks, progress.steps("measuring", 0.0) as shown:
        connections = server_connections.shared_by(plan.deployments()) if plan.needs_database else {}
        runner = partial(experiment_servers.runner, forks, systems)
        measure = partial(_measure, directory, record, interrupted, shown, runner, connections)
        block_looks.measure_until_decided(plan, directory, record, measure, shown)
        repeated_runs.measure_repeats(plan, directory, record, measure)
        probes = _search(plan, directory, record, measure, shown, interrupted)
    stop_request.withdraw(directory)
    experiment_record.write(directory, record | {"status": "complete", "probes": probes})


def _start_record(
    plan: Plan, name: str, directory: Path, interrupted: InterruptedExperiment | None, systems: ArmSystems | None
) -> dict:
    """Build the template databases, which is no part of measuring, and write the record of a started experiment."""
    with experiment_servers.for_templates(plan) as server:
        record = _record(name, plan, server, systems)
        if interrupted:
            interrupted.require_same(record)
        if server:
            experiment_servers.build_templates(plan, server, systems)
    if systems:
        systems.report_equal_arms()
    if interrupted:
        record = interrupted.resume()
    else:
        directory.mkdir(parents=True)
        progress.report(
            f"experiment {name} has the seed {plan.seed}; --seed {plan.seed} repeats its order and its loads"
        )
    stop_request.withdraw(directory)
    record |= {"status": "running", "probes": record.get("probes") or []}
    experiment_record.write(directory, record)
    return record


def _measure(
    directory: Path,
    record: dict,
    interrupted: InterruptedExperiment | None,
    shown: Steps,
    runner: Callable[[int | None], AbstractContextManager[Runner]],
    connections: Mapping[str, int],
    timed: Sequence[TimedSpec],
    later_s: float,
) -> None:
    """Carry out the runs that are not complete yet, and seal each; `later_s` seconds are expected to follow them."""
    left = [(spec, s) for spec, s in timed if not (interrupted and interrupted.keeps(run_name(spec)))]
    block = max(0, left[0][0].block - 1) if left else 0  # the one that has ended, if any has
    shown.expect(sum(expected_s for _, expected_s in left) + later_s)
    # The server is restarted where a deployment needs another number of connections.
    for allowed, group in groupby(left, key=lambda pair: connections.get(pair[0].deployment)):
        with runner(allowed) as execute_run:
            for (spec, expected_s), following in _with_following(group):
                if spec.block != block:
                    stop_request.obey(directory, block)
                    block = spec.block
                shown.begin(f"{spec.name} {spec.scenario}, block {spec.block + 1}", expected_s)
                outcome = execute_run(spec, directory / run_name(spec), following)
                if problem := run_faults.problem(outcome):
                    progress.report(f"block {spec.block + 1}: {run_name(spec)} {problem}")
                experiment_record.write(directory, record)


def _with_following(timed: Iterable[TimedSpec]) -> Iterator[tuple[TimedSpec, RunSpec | None]]:
    """Each run with the one that follows it on the same server, None for the last."""
    runs = list(timed)
    return zip(runs, [*(spec for spec, _ in runs[1:]), None], strict=True)


def _search(
    plan: Plan,
    directory: Path,
    record: dict,
    measure: Measure,
    shown: Steps,
    interrupted: InterruptedExperiment | None,
) -> list[dict]:
    """Carry out the probes of the searches, and keep the record up to date; return the entries of the probes."""
    earlier, probes = record["probes"], []
    predictions = PredictionLog(directory, plan.specs)
    for round_ in _rounds(plan, directory, predictions, shown):
        probes += experiment_record.entries(round_.specs)
        names = {probe["run"] for probe in probes}
        record["probes"] = [*probes, *(probe for probe in earlier if probe["run"] not in names)]
        for spec, search in zip(round_.specs, round_.searches, strict=True):
            if search:
                predictions.record(search, spec)
        record["prediction_failures"] = predictions.failures
        experiment_record.write(directory, record)
        if not (interrupted and all(interrupted.keeps(run_name(spec)) for spec in round_.specs)):
            _wait_until(round_.not_before_s, shown, directory, round_.specs[0].block - 1)
        timed = [(spec, OVERHEAD_S + spec.load().expected_s()) for spec in round_.specs]
        measure(timed, round_.later * sum(expected_s for _, expected_s in timed) / len(timed))
    return probes


def _wait_until(instant_s: float, shown: Steps, directory: Path, block: int) -> None:
    """Wait after a block until an instant in seconds since 1970 (UTC), if it is not over."""
    wait_s = instant_s - time.time()
    if wait_s > 0:
        shown.begin(f"waiting {wait_s:.0f} s, as the probes of a load lie minutes apart", wait_s)
        stop_request.obey_while_waiting(directory, block, min(wait_s, capacity_search.MIN_GAP_S))


def _rounds(plan: Plan, directory: Path, predictions: PredictionLog, shown: Steps) -> Iterator[Round]:
    def probe_of(spec: RunSpec) -> Probe:
        return Probe.from_run(open_run(directory / run_name(spec)), plan.p95_ms)

    def sentinel_of(spec: RunSpec) -> Sentinel:
        return Sentinel.from_run(open_run(directory / run_name(spec)))

    def predict(search: Search) -> float | None:
        shown.begin(f"predicting {search.deployment}", PREDICTION_S)
        return predictions.capacity(search)

    for round_ in capacity_search.rounds(
        plan.searches, plan.scale, plan.seed, plan.blocks(), probe_of, predict, plan.sentinel, sentinel_of
    ):
        yield round_._replace(specs=[plan.of_arm(spec) for spec in round_.specs])


def _record(name: str, plan: Plan, server: DatabaseServer | None, systems: ArmSystems | None) -> dict:
    return {
        "format": FORMAT,
        "experiment": name,
        "profile": plan.profile,
        "scale": plan.scale,
        "seed": plan.seed,
        "p95_ms": plan.p95_ms,
        "runs": experiment_record.entries(plan.specs),
        "searches": [asdict(search) for search in plan.searches],
        primary_metrics.KEY: primary_metrics.to_record(plan.primary),
        "sentinel": plan.sentinel and {"deployment": plan.sentinel.deployment, "scenario": plan.sentinel.scenario},
        "dataset": {"seed": dataset.SEED, "fingerprint": dataset.fingerprint(plan.scale)},
        "environment": environment.describe(server),
        **plan.optional_facts(),
        **({declared_arms.KEY: systems.comparison.record(systems.sources())} if systems else {}),
    }
