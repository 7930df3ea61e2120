"""Arms × blocks: which runs an experiment has, in which order, and carrying them out."""

import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import click

from analysis.capacity import bracket
from analysis.capacity.bracket import HIGHEST_P95_MS
from workbench.errors import UserError
from workbench.paths import data_directory, runs_directory
from workbench.record_format import FORMAT
from workbench.recording import open_run

from . import capacity_search, dataset, deployments, environment, profiles, progress, run, services
from .prediction_log import Foretelling
from .profiles import Search
from .record_writer import run_name
from .resume import Begun

# What a run costs beside its load: clone, start, stop.
OVERHEAD_S = 3.0
FORETELLING_S = 15.0
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True)
class Plan:
    """The runs of an experiment in their order: random within each block, the same again from the same seed."""

    profile: str
    scale: str
    seed: int
    orders: tuple[run.Order, ...]
    expected_s: tuple[float, ...]
    searches: tuple[Search, ...] = ()
    p95_ms: float = HIGHEST_P95_MS


def plan(profile: str, scale: str | None, seed: int, p95_ms: float | None = None) -> Plan:
    """`p95_ms` is the objective of searches for capacity. Raises `UserError` for a profile or scale that is none."""
    found = profiles.find(profile)
    scale = scale or found.scale
    dataset.find_scale(scale)
    shuffled = random.Random(seed)
    orders, expected_s = [], []
    for block in range(max((arm.blocks for arm in found.arms), default=0)):
        for position, (arm, replicate) in enumerate(_shuffled_block(found, block, shuffled)):
            order = run.Order(
                deployment=arm.deployment,
                scenario=arm.scenario,
                scale=scale,
                seed=seed * 1000 + block,
                changes=dict(arm.changes),
                block=block,
                position=position,
                replicate=replicate,
            )
            orders.append(order)
            expected_s.append(OVERHEAD_S + arm.load_s)
    p95_ms = p95_ms or HIGHEST_P95_MS
    searches = tuple(replace(sought, p95_ms=p95_ms) for sought in found.searches)
    return Plan(profile, scale, seed, tuple(orders), tuple(expected_s), searches, p95_ms)


def plan_for(
    name: str | None, profile: str | None, scale: str | None, seed: int | None, p95_ms: float | None = None
) -> Plan:
    """The plan of the experiment of this id: of the one that was begun, where there is one, else of a new one.

    What is None is taken from the record of the one that was begun, or is the default. Raises `UserError` if the
    experiment is complete, or was begun with something else than what is asked.
    """
    begun = Begun.find(directory_of(name)) if name else None
    asked = {"profile": profile or None, "scale": scale or None, "seed": seed, "p95_ms": p95_ms}
    if begun:
        return plan(**begun.agreed(asked))
    return plan(profile or profiles.DEFAULT, scale, 1 if seed is None else seed, p95_ms)


def directory_of(name: str) -> Path:
    """The directory of an experiment. Raises `UserError` if the name cannot be an id."""
    if not NAME.fullmatch(name):
        raise UserError(
            f"{name!r} cannot be an experiment's id; use up to 80 letters, digits, dots, dashes, underscores"
        )
    return runs_directory() / name


def new_name(profile: str) -> str:
    """An id from the time and the profile."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{profile}"


def execute(plan: Plan, name: str | None = None) -> str:
    """Carry out the plan and return the experiment's id.

    One of that name that was begun goes on: its complete runs stay as they are. Raises `UserError` if it is complete, or
    was begun with another plan or on something else. A run that aborts ends the experiment.
    """
    name = name or new_name(plan.profile)
    with told_how_to_go_on(name):
        _execute(plan, name)
    return name


@contextmanager
def told_how_to_go_on(name: str) -> Iterator[None]:
    """Where the block begins the experiment, or goes on with it, and does not come to its end, say how to go on."""
    record = directory_of(name) / "experiment.json"
    before = _written_at(record)
    try:
        yield
    except BaseException:
        if _written_at(record) != before:
            with suppress(OSError):  # the terminal may be gone
                said = f"experiment {name} is not complete; it goes on with: make report EXPERIMENT={name}"
                click.echo(said, err=True)
        raise


def _written_at(path):
    return path.stat().st_mtime_ns if path.exists() else None


def _execute(plan, name):
    directory = directory_of(name)
    begun = Begun.find(directory)
    with services.database_server(data_directory() / "postgres", _connections(plan)) as server:
        record = _record(name, plan, server)
        if begun:
            begun.require_same(record)
        _prepare_templates(server, plan)
    if begun:
        record = begun.resume()
    else:
        directory.mkdir(parents=True)
    before = record.get("probes") or []
    record |= {"status": "running", "probes": before}
    _write(directory, record)
    with progress.steps("measuring", 0.0) as shown:
        _measure(list(zip(plan.orders, plan.expected_s, strict=True)), 0.0, directory, begun, shown)
        foretelling, made = Foretelling(directory, plan.orders), []
        for round_ in _rounds(plan, directory, foretelling, shown):
            made += _as_recorded(round_.orders)
            names = {probe["run"] for probe in made}
            record["probes"] = [*made, *(probe for probe in before if probe["run"] not in names)]
            for order, sought in zip(round_.orders, round_.searches, strict=True):
                foretelling.note(sought, order)
            record["unforeseen"] = foretelling.unforeseen
            _write(directory, record)
            pairs = [(order, OVERHEAD_S + order.load().expected_s()) for order in round_.orders]
            later_s = round_.later * sum(expected_s for _, expected_s in pairs) / len(pairs)
            _measure(pairs, later_s, directory, begun, shown)
    _write(directory, record | {"status": "complete", "probes": made})


def _rounds(plan, directory, foretelling, shown):
    blocks = len({order.block for order in plan.orders})

    def probe_of(order):
        return bracket.Probe.of(open_run(directory / run_name(order)), plan.p95_ms)

    def foretell(sought):
        shown.begin(f"foretelling {sought.deployment}", FORETELLING_S)
        return foretelling.capacity(sought)

    return capacity_search.rounds(plan.searches, plan.scale, plan.seed, blocks, probe_of, foretell)


def _shuffled_block(profile, block, shuffled):
    """(arm, whether it is it again) in the order of the block."""
    arms = [arm for arm in profile.arms if block < arm.blocks]
    turns = [*((arm, False) for arm in arms), *((arm, True) for arm in arms if arm.twice)]
    shuffled.shuffle(turns)
    return turns


def _measure(pairs, later_s, directory, begun, shown):
    """Carry out the orders, each with the seconds that it is expected to take, but for those that are there.

    After them, so many seconds are expected to come.
    """
    left = [pair for pair in pairs if not (begun and begun.has(run_name(pair[0])))]
    shown.expect(sum(expected_s for _, expected_s in left) + later_s)
    # The server starts anew where a deployment declares another number of connections.
    for connections, group in groupby(left, key=lambda pair: _connections_of(pair[0].deployment)):
        with services.database_server(data_directory() / "postgres", connections) as server:
            for order, expected_s in group:
                shown.begin(f"{order.deployment} {order.scenario}, block {order.block + 1}", expected_s)
                run.execute(server, order, directory / run_name(order))


def _deployments(plan):
    """Those that the plan puts under load, the first one first."""
    return list(dict.fromkeys(part.deployment for part in (*plan.orders, *plan.searches)))


def _connections(plan):
    return _connections_of(_deployments(plan)[0])


def _connections_of(deployment):
    return deployments.find(deployment).max_connections


def _prepare_templates(server, plan):
    """Build what the runs clone beforehand: it is no part of the measuring."""
    for indexes in sorted({deployments.find(deployment).indexes for deployment in _deployments(plan)}):
        dataset.ensure_template(server, plan.scale, indexes)


def _record(name, plan, server):
    return {
        "format": FORMAT,
        "experiment": name,
        "profile": plan.profile,
        "scale": plan.scale,
        "seed": plan.seed,
        "p95_ms": plan.p95_ms,
        "runs": _as_recorded(plan.orders),
        "searches": [asdict(sought) for sought in plan.searches],
        "dataset": {"seed": dataset.SEED, "fingerprint": dataset.fingerprint(plan.scale)},
        "environment": environment.describe(server),
    }


def _as_recorded(orders):
    return [{"run": run_name(order), **asdict(order)} for order in orders]


def _write(directory: Path, record: dict) -> None:
    half = directory / "experiment.json.half"
    half.write_text(json.dumps(record, indent=2) + "\n")
    half.rename(directory / "experiment.json")
