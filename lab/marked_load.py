"""A load that a test is marked with: its arguments, checked, and its measurement in a process of its own."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from analysis.sustained_load import SUSTAINED, sustained_load
from loadgen.background import run_experiment
from loadgen.compared_arms import MIN_BLOCKS, Comparison
from loadgen.target import Users
from workbench.declared_arms import COMMAND, DEPLOYMENT, URL
from workbench.errors import RecordingError, UserError
from workbench.paths import recording_path
from workbench.recording import open_experiment
from workbench.text_cleaning import Target, cleaned

from .sustained_view import sentences

ARM = "application"  # the name of the only arm
KINDS = {"target": URL, "command": COMMAND, "deployment": DEPLOYMENT}  # the kind of arm of each argument
TEXTS = (*KINDS, "locustfile", "scale", "confirm_target")
ARGUMENTS = ("p95_ms", "blocks", *TEXTS, "tags")


class Measured(NamedTuple):
    """Whether the load was sustained, and a text of some lines that says what was measured."""

    is_sustained: bool
    text: str


class MarkedLoad:
    """The arguments of one `sustains`; `folder` is that of the test, where its locustfile is looked for."""

    def __init__(self, positional: Sequence[Any], arguments: Mapping[str, Any], folder: Path):
        self._positional = positional
        self._arguments = {name: value for name, value in arguments.items() if value is not None}
        self._folder = folder

    def mistakes(self) -> list[str]:
        """A line for each argument that cannot be used; none where the load can be measured."""
        lines = list(self._wrong_arguments())
        if lines:
            return lines
        try:
            self._check()
        except UserError as error:
            return [f"sustains: {error.format_message()}"]
        return []

    def measure(self) -> Measured:
        """Carry out all blocks by `python -m loadgen experiment`, print its output, and evaluate them."""
        try:
            name = run_experiment(self.words())
            experiment = open_experiment(recording_path(name))
        except (RuntimeError, RecordingError) as error:
            return Measured(False, f"{self._scenario} was not measured: {_message(error)}")
        result = sustained_load(experiment, ARM, self._scenario, self._arguments["p95_ms"])
        lines = [*sentences(result, self._scenario, self._named), f'lab.open_experiment("{name}") has its requests.']
        return Measured(result.verdict == SUSTAINED, "\n".join(cleaned(line, Target.LINE) for line in lines))

    def words(self) -> list[str]:
        """The options of `python -m loadgen experiment`."""
        given = self._arguments
        words = ["--arm", self._arm, "--scenario", self._scenario, "--p95-ms", str(given["p95_ms"])]
        words += ["--blocks", str(self._blocks)]
        words += ["--locustfile", str(self._locustfile)] if self._locustfile else []
        words += ["--scale", given["scale"]] if "scale" in given else []
        words += ["--confirm-target", given["confirm_target"]] if "confirm_target" in given else []
        return words + [word for tag in given.get("tags", ()) for word in ("--tag", tag)]

    @property
    def _scenario(self) -> str:
        return str(self._positional[0])

    @property
    def _blocks(self) -> int:
        return int(self._arguments.get("blocks", MIN_BLOCKS))

    @property
    def _named(self) -> str:
        """The application, as the test names it."""
        return next(str(self._arguments[name]) for name in KINDS if name in self._arguments)

    @property
    def _arm(self) -> str:
        kind = next(kind for name, kind in KINDS.items() if name in self._arguments)
        return f"{ARM}={kind}:{self._named}"

    @property
    def _locustfile(self) -> Path | None:
        return (self._folder / self._arguments["locustfile"]).resolve() if "locustfile" in self._arguments else None

    def _check(self) -> None:
        """Raise `UserError` where the load generator would refuse these options."""
        given = self._arguments
        users = Users(self._locustfile, tuple(given.get("tags", ())))
        confirmed = (given["confirm_target"],) if "confirm_target" in given else ()
        Comparison.of_options([self._arm], None, [self._scenario], self._blocks, users, confirmed, has_objective=True)

    def _wrong_arguments(self) -> Iterator[str]:
        """Yield a line for each argument that is missing, unknown or of another kind."""
        given = self._arguments
        if len(self._positional) != 1 or not isinstance(self._positional[0], str):
            yield 'sustains takes one scenario first: sustains("sustained-50", p95_ms=300, …)'
        for name in given:
            if name not in ARGUMENTS:
                yield f"sustains has no argument {name}; it has {', '.join(ARGUMENTS)}"
        if not _is_positive(given.get("p95_ms")):
            yield f"sustains needs p95_ms, a number of milliseconds above 0, and not {given.get('p95_ms')!r}"
        if not isinstance(blocks := given.get("blocks", MIN_BLOCKS), int) or isinstance(blocks, bool):
            yield f"sustains: blocks is a whole number, and not {blocks!r}"
        if sum(name in given for name in KINDS) != 1:
            yield f"sustains needs one of {', '.join(KINDS)}"
        for name in TEXTS:
            if name in given and not isinstance(given[name], str | Path):
                yield f"sustains: {name} is a text, and not {given[name]!r}"
        tags = given.get("tags", ())
        if isinstance(tags, str) or not all(isinstance(tag, str) for tag in tags):
            yield f"sustains: tags are a list of texts, and not {tags!r}"


def _is_positive(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and value > 0  # type: ignore[arg-type, operator]


def _message(error: Exception) -> str:
    return error.format_message() if isinstance(error, UserError) else str(error)
