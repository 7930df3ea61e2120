"""`python -m analysis what-if`: predictions for a deployment from one recorded run, as it is or with other settings."""

from collections.abc import Iterator, Mapping, Sequence

import click

from workbench.endpoints import CACHE_LIFETIME_SETTINGS
from workbench.errors import UserError
from workbench.paths import recording_path
from workbench.recording import Run, open_run
from workbench.terminal import FiniteRange, echo

from ..capacity.bracket import MAX_P95_MS, UNITS
from ..queueing.preconditions import MODELLED_SETTINGS, PredictionError
from ..queueing.what_if import DeploymentModel, Family

MAX_LOAD: Mapping[Family, int] = {"open": 20_000, "sustained": 5_000}  # that the load generator makes
MAX_SETTING = 1000  # workers, threads, connections
POSITIVE_SETTINGS = ("workers", "threads", "pool_size")
CHOICES = {
    "server": ("sync", "gthread", "gevent"),
    "cache": ("off", "process", "shared"),
    "password_hash": ("scrypt", "argon2id"),
}
WARMUP_S, DURATION_S = 15.0, 20.0  # of a predicted load: until all users have logged in, and as long as a probe
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
    settings = run.record["deployment"]["settings"]
    changed = {**settings, **dict(_setting(text, settings) for text in assignments)}
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


def changed_settings(run: Run, changes: Mapping[str, float | str]) -> dict:
    """The recorded settings of a run with other values. Raises `UserError` for one that the model does not cover."""
    settings = run.record["deployment"]["settings"]
    return {**settings, **dict(_setting(f"{name}={value}", settings) for name, value in changes.items())}


def cached_endpoints(run: Run) -> list[str]:
    """The endpoints of a run that have a cache."""
    return [name for name in CACHE_LIFETIME_SETTINGS if name in run.record["scenario"]["shares"]]


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


def _setting(text: str, settings: Mapping) -> tuple[str, str | int | float]:
    """Name and value of an assignment, with a value of the type that the setting has now."""
    name, equals, value = text.partition("=")
    if not equals or name not in MODELLED_SETTINGS or name not in settings:
        covered = ", ".join(MODELLED_SETTINGS)
        raise UserError(f"{text!r} is not a setting that the model covers; it covers {covered}, as in workers=4")
    if value not in CHOICES.get(name, (value,)):
        raise UserError(f"{name} takes one of {', '.join(CHOICES[name])}, not {value!r}")
    return name, value if isinstance(settings[name], str) else _number(name, value, settings[name])


def _number(name: str, value: str, current: float) -> int | float:
    try:
        number = float(value) if isinstance(current, float) else int(value)
    except ValueError:
        raise UserError(f"{name} takes a number, not {value!r}") from None
    minimum = 1 if name in POSITIVE_SETTINGS else 0
    if not minimum <= number <= MAX_SETTING:
        raise UserError(f"{name} takes a number from {minimum} to {MAX_SETTING}, not {value}")
    return number


def _load(text: str) -> tuple[Family, int]:
    prefix, _, number = text.partition("-")
    for family, highest in MAX_LOAD.items():
        if prefix == family and number.isascii() and number.isdecimal() and 0 < int(number) <= highest:
            return family, int(number)
    bounds = f"open-RATE up to {MAX_LOAD['open']} and sustained-USERS up to {MAX_LOAD['sustained']}"
    raise UserError(f"{text!r} is not a load; there are {bounds}")
