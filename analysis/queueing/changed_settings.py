"""The settings of a run with other values, for a prediction of the deployment that would have them."""

from collections.abc import Mapping

from workbench.endpoints import CACHE_LIFETIME_SETTINGS
from workbench.errors import UserError
from workbench.recording import Run
from workbench.server_kinds import SERVER_KINDS

from .preconditions import MODELLED_SETTINGS, settings_of

MAX_SETTING = 1000  # workers, threads, connections
POSITIVE_SETTINGS = ("workers", "threads", "pool_size")
CHOICES = {
    "server": SERVER_KINDS,
    "cache": ("off", "process", "shared"),
    "password_hash": ("scrypt", "argon2id"),
}


def changed_settings(run: Run, changes: Mapping[str, float | str]) -> dict:
    """The recorded settings of a run with other values. Raises `UserError` for one that the model does not cover."""
    settings = settings_of(run)
    return {**settings, **dict(assignment(f"{name}={value}", settings) for name, value in changes.items())}


def cached_endpoints(run: Run) -> list[str]:
    """The endpoints of a run that have a cache."""
    return [name for name in CACHE_LIFETIME_SETTINGS if name in run.record["scenario"]["shares"]]


def assignment(text: str, settings: Mapping) -> tuple[str, str | int | float]:
    """Name and value of an assignment such as `workers=4`, with a value of the type that the setting has now.

    Raises `UserError` for a setting that the model does not cover, and for a value that it cannot have.
    """
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
