"""The folder of a single run, by its name or by the instant of its start; and of any run that goes on."""

from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

from workbench.errors import UsageError, UserError
from workbench.paths import SINGLE_RUNS, is_id, runs_directory


def named(name: str) -> Path:
    """The folder of this name. Raises `UsageError` if the name cannot be an id, or is in use."""
    if not is_id(name):
        raise UsageError(
            f"{name!r} cannot be the id of a run; use up to 128 letters, digits, dots, dashes, underscores"
        )
    folder = runs_directory() / SINGLE_RUNS / name
    if folder.exists():
        raise UsageError(f"there is a run {name} already; choose another --name")
    return folder


def dated(load: str) -> Path:
    """The folder of a run that starts now, `<date>-<time>-<load>`; with a number where the second has one already."""
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{load}"
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(folder for each in names if not (folder := runs_directory() / SINGLE_RUNS / each).exists())


def require_present(directory: Path) -> None:
    """Raise `UserError` if the folder of a run that goes on was deleted."""
    if not directory.is_dir():
        raise UserError(f"{directory} was deleted while the run went on; nothing of the run is left, measure again")
