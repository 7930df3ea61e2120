"""Starting a measurement from a notebook: it goes on beside the kernel, and ends with it."""

from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from loadgen.background import Measurement
from workbench.errors import RecordingError, UsageError
from workbench.paths import SINGLE_RUNS, is_id, runs_directory

if TYPE_CHECKING:  # what shows a measurement takes seconds to import: meanwhile it starts
    from .live_experiment import LiveExperiment
    from .live_run import LiveRun

_started: "list[LiveRun | LiveExperiment]" = []  # by this kernel, the newest last


def start_run(deployment: str, scenario: str, **options: Any) -> "LiveRun":
    """Put a deployment under a load, beside the kernel. Raises `UsageError` while another measurement goes on.

    `options` are those of `python -m loadgen run`: `duration`, `warmup`, `users`, `scale`, `seed`, …

        live = start_run("tuned", "sustained-100", duration=20)
        live
    """
    _require_none_going()
    name = f"{_now()}-{deployment}-{scenario}"
    given = _options({"deployment": deployment, "scenario": scenario, "name": name, **options})
    directory = runs_directory() / SINGLE_RUNS / _id(name)
    measurement = Measurement(["run", *given])
    from .live_run import LiveRun

    live = LiveRun(directory, measurement)
    _started.append(live)
    return live


def start_experiment(profile: str = "", experiment: str = "", **options: Any) -> "LiveExperiment":
    """Measure a profile, or go on with the experiment of this id, beside the kernel.

    `options` are those of `python -m loadgen experiment`: `app`, `scale`, `seed`, `until_decided`, `arm`, `scenario`,
    …; a list repeats an option. Raises `UsageError` while another measurement goes on.

        live = start_experiment("quick")
        live = start_experiment(arm=["before=command:…", "after=command:…"], scenario="open-50", until_decided=16)
    """
    _require_none_going()
    own = "comparison" if "arm" in options else "application" if options.get("app") else "quick"
    name = experiment or f"{_now()}-{profile or own}"
    given = _options({"experiment": name, **({"profile": profile} if profile else {}), **options})
    directory = runs_directory() / _id(name)
    measurement = Measurement(["experiment", *given])
    from .live_experiment import LiveExperiment

    live = LiveExperiment(directory, measurement)
    _started.append(live)
    return live


def attach() -> "LiveRun | LiveExperiment":
    """The newest measurement that this kernel started, for instance after a reload of the page.

    Raises `RecordingError` where it started none.
    """
    if not _started:
        raise RecordingError("this kernel has started no measurement; start_run and start_experiment start one")
    return _started[-1]


def _require_none_going() -> None:
    if any(live.is_going for live in _started):
        raise UsageError("a measurement goes on: two at once would measure each other; attach() shows it")


def _options(given: dict[str, Any]) -> list[str]:
    """Options of the command line; a flag is one that is True."""
    return list(chain.from_iterable(_option(name, value) for name, value in given.items()))


def _option(name: str, value: Any) -> list[str]:
    option = f"--{name.replace('_', '-')}"
    if isinstance(value, list | tuple):
        return [f"{option}={each}" for each in value]
    if isinstance(value, bool):
        return [option] if value else []
    return [f"{option}={value}"]


def _id(name: str) -> str:
    if not is_id(name):
        raise UsageError(f"{name!r} cannot be an id; use up to 128 letters, digits, dots, dashes, underscores")
    return name


def _now() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
