"""`python -m analysis what-if`: predictions for a deployment from one recorded run, as it is or with other settings."""

from collections.abc import Iterator, Mapping, Sequence

import click

from workbench.errors import UserError
from workbench.paths import recording_path
from workbench.recording import Run, open_run
from workbench.terminal import FiniteRange, echo

from ..capacity.bracket import MAX_P95_MS, UNITS
from ..queueing.changed_settings import assignment, cached_endpoints
from ..queueing.preconditions import PredictionError, settings_of
from ..queueing.what_if import DURATION_S, MAX_LOAD, WARMUP_S, DeploymentModel, Family

PREDICTED = "predicted, not measured:"


@click.command("what-if")
@click.argument("run")
@click.option(
    "--set", "assignments", multiple=True, metavar="NAME=VALUE", help="Another value of a setting: workers=4."
)
@click.option("--load", "loads", multiple=True, metavar="FAMILY-N", help="Predict latency under this load: open-600.")
@click.option("--hash-ms", type=FiniteRange(0, 60_000), help="Time of a password hash.")
@click.option("--hit-ratio", type=FiniteRange(0, 1), help="Share of the reads that the cache answers.")
@click.option(
    "--p95-ms",
    type=FiniteRange(0, min_open=True),
    default=MAX_P95_MS,
    show_default=True,
    help="Bound of p95 up to which a load counts as sustained.",
)
def what_if(
    run: str,
    assignments: tuple[str, ...],
    loads: tuple[str, ...],
    hash_ms: float | None,
    hit_ratio: float | None,
    p95_ms: float,
) -> None:
    """Predict the capacity of a deployment from one recorded run.

    The deployment is that of RUN, as it was or with other settings. RUN is a directory, or an id: <experiment>/<run>;
    its load is sustained or open, and so low that hardly any request waits.
    """
    opened = open_run(recording_path(run))
    for line in predictions(opened, assignments, loads, hash_ms=hash_ms, hit_ratio=hit_ratio, p95_ms=p95_ms):
        echo(line)


def predictions(
    run: Run,
    assignments: Sequence[str],
    loads: Sequence[str],
    *,
    hash_ms: float | None = None,
    hit_ratio: float | None = None,
    p95_ms: float = MAX_P95_MS,
) -> Iterator[str]:
    """Yield the lines that the command prints.

    `assignments` are settings (`workers=4`), `loads` are loads (`open-600`, `sustained-300`). Raises `UserError` for
    one that is not valid, and where the model does not cover a prediction.
    """
    settings = settings_of(run)
    changed = {**settings, **dict(assignment(text, settings) for text in assignments)}
    parsed_loads = [_load(text) for text in loads]
    try:
        hit_ratios = None if hit_ratio is None else dict.fromkeys(cached_endpoints(run), hit_ratio)
        model = DeploymentModel.from_run(run, changed, hash_ms=hash_ms, hit_ratios=hit_ratios)
        model = model.with_duration(WARMUP_S, DURATION_S)
        yield f"{run.deployment}, calibrated from {run.name}{_changes(settings, changed, hash_ms, hit_ratio)}:"
        yield from _capacities(model, p95_ms)
        for family, number in parsed_loads:
            yield from _latencies(model, family, number)
    except PredictionError as error:
        raise UserError(f"this cannot be predicted: {error}") from None


def _capacities(model: DeploymentModel, p95_ms: float) -> Iterator[str]:
    families: list[Family] = ["open", "sustained"] if any(model.load.think_s) else ["open"]
    for family in families:
        capacity = model.capacity(family, MAX_LOAD[family], p95_ms)
        sustained = f"no load ({UNITS[family]})" if capacity is None else f"up to {capacity:,.0f} {UNITS[family]}"
        yield f"  {PREDICTED} {sustained} sustained, p95 of every endpoint below {p95_ms:g} ms"


def _latencies(model: DeploymentModel, family: Family, number: int) -> Iterator[str]:
    prediction = model.predict(family, number)
    p95_ms = ", ".join(f"{name} {ms:,.1f}" for name, ms in prediction.p95_ms.items())
    yield f"  {PREDICTED} {number:g} {UNITS[family]}: {prediction.throughput_rps:,.1f} successful responses/s,"
    yield f"    mean {prediction.mean_ms:,.1f} ms, p95 (ms) {p95_ms}"


def _changes(settings: Mapping, changed: Mapping, hash_ms: float | None, hit_ratio: float | None) -> str:
    changes = [f"{name} {settings[name]} → {value}" for name, value in changed.items() if value != settings[name]]
    changes += [] if hash_ms is None else [f"a hash of {hash_ms:g} ms"]
    changes += [] if hit_ratio is None else [f"{hit_ratio:.0%} of the reads answered by the cache"]
    return f", with {', '.join(changes)}" if changes else ""


def _load(text: str) -> tuple[Family, int]:
    prefix, _, number = text.partition("-")
    for family, highest in MAX_LOAD.items():
        if prefix == family and number.isascii() and number.isdecimal() and 0 < int(number) <= highest:
            return family, int(number)
    bounds = f"open-RATE up to {MAX_LOAD['open']} and sustained-USERS up to {MAX_LOAD['sustained']}"
    raise UserError(f"{text!r} is not a load; there are {bounds}")
