"""What if, in a terminal: one recorded run, the settings that would be others, and what would follow."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from workbench.errors import UserError
from workbench.recording import open_run

from ..capacity.bracket import HIGHEST_P95_MS, UNITS
from ..queueing.what_if import FORESEEN, TTL_S, Model, Unforeseen

MOST = {"open": 20_000, "sustained": 5_000}  # what the load generator makes
MOST_PLACES = 1000  # of workers, threads, connections
SERVERS = ("sync", "gthread", "gevent")
CACHES = ("off", "process", "shared")
HASHES = ("scrypt", "argon2id")
WARMUP_S, DURATION_S = 15.0, 20.0  # of what is foretold: until all users have logged in, and as long as a probe


def answer(
    path: Path,
    given: Sequence[str],
    loads: Sequence[str],
    *,
    hash_ms: float | None = None,
    hit_ratio: float | None = None,
    p95_ms: float = HIGHEST_P95_MS,
) -> Iterator[str]:
    """The lines of the answer. `given` are settings, `workers=4`; `loads` are loads, `open-600` or `sustained-300`.

    Raises `UserError` for what cannot be understood, or foretold.
    """
    run = open_run(path)
    settings = run.record["deployment"]["settings"]
    changed = {**settings, **dict(_setting(text, settings) for text in given)}
    wanted = [_load(text) for text in loads]
    try:
        ratios = None if hit_ratio is None else dict.fromkeys(_cached(run), hit_ratio)
        model = Model.of(run, changed, hash_ms=hash_ms, hit_ratio=ratios).lasting(WARMUP_S, DURATION_S)
        yield f"{run.deployment}, as known from {run.name}{_differences(settings, changed, hash_ms, hit_ratio)}:"
        yield from _capacities(model, p95_ms)
        for family, number in wanted:
            found = model.at(family, number)
            slow_ms = ", ".join(f"{name} {ms:,.1f}" for name, ms in found.p95_ms.items())
            yield f"  foretold, not run: {number:g} {UNITS[family]}: {found.throughput_rps:,.1f} answers/s,"
            yield f"    mean {found.mean_ms:,.1f} ms, p95 (ms) {slow_ms}"
    except Unforeseen as error:
        raise UserError(f"this cannot be foretold: {error}") from None


def _cached(run):
    return [name for name in TTL_S if name in run.record["scenario"]["shares"]]


def _capacities(model, p95_ms):
    for family in ["open", *(["sustained"] if any(model.load.think_s) else [])]:
        holds = model.capacity(family, MOST[family], p95_ms)
        said = "nothing" if holds is None else f"up to {holds:,.0f} {UNITS[family]}"
        yield f"  foretold, not run: holds {said}, p95 of every endpoint under {p95_ms:g} ms"


def _differences(settings, changed, hash_ms, hit_ratio):
    told = [f"{name} {settings[name]} → {value}" for name, value in changed.items() if value != settings[name]]
    told += [] if hash_ms is None else [f"a hash of {hash_ms:g} ms"]
    told += [] if hit_ratio is None else [f"{hit_ratio:.0%} of the reads answered by the cache"]
    return f", with {', '.join(told)}" if told else ""


def _setting(text, settings):
    name, equals, value = text.partition("=")
    if not equals or name not in FORESEEN or name not in settings:
        raise UserError(
            f"{text!r} is no setting that can be foretold; there are {', '.join(FORESEEN)}, as in workers=4"
        )
    for field, choices in (("server", SERVERS), ("cache", CACHES), ("password_hash", HASHES)):
        if name == field and value not in choices:
            raise UserError(f"{name} takes one of {', '.join(choices)}, not {value!r}")
    if isinstance(settings[name], str):
        return name, value
    try:
        number = float(value) if isinstance(settings[name], float) else int(value)
    except ValueError:
        raise UserError(f"{name} takes a number, not {value!r}") from None
    least = 1 if name in ("workers", "threads", "pool_size") else 0
    if not least <= number <= MOST_PLACES:
        raise UserError(f"{name} takes a number from {least} to {MOST_PLACES}, not {value}")
    return name, number


def _load(text):
    family, _, number = text.partition("-")
    if family not in UNITS or not number.isascii() or not number.isdecimal() or not 0 < int(number) <= MOST[family]:
        most = f"open-RATE up to {MOST['open']} and sustained-USERS up to {MOST['sustained']}"
        raise UserError(f"{text!r} is no load; there are {most}")
    return family, int(number)
