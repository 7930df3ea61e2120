"""`%ab` and `%%ab`: set-ups of an engineer's own against each other, from a notebook."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.display import display

from loadgen.compared_arms import BLOCKS, Comparison
from loadgen.target import Users
from workbench.arms import BURST_50
from workbench.declared_arms import DEPLOYMENT, KINDS, URL
from workbench.errors import UserError
from workbench.paths import is_id, recording_path
from workbench.recording import open_experiment
from workbench.terminal import FiniteRange

from .ab_view import AbView
from .live_start import start_experiment

FILE = click.Path(exists=True, dir_okay=False, path_type=Path, resolve_path=True)
USAGE = """\
usage: %%ab [--load SCENARIO] [--blocks N] [--p95-ms MS] [--locustfile FILE] [--scale NAME] [--tag TAG]
       and a line NAME: WHAT for each arm, the baseline first; WHAT is a deployment, checkout:FOLDER, command:WORDS
       or url:ADDRESS. On one line: %ab NAME=WHAT NAME=WHAT --load SCENARIO"""


class Given(NamedTuple):
    """The options and arms of a magic."""

    arms: tuple[str, ...]
    load: str
    blocks: int
    p95_ms: float | None
    locustfile: Path | None
    scale: str | None
    tags: tuple[str, ...]
    confirmed: tuple[str, ...]

    def options(self) -> dict[str, Any]:
        """The options of `python -m loadgen experiment`."""
        options = {
            "arm": list(self.arms),
            "scenario": self.load,
            "blocks": self.blocks,
            "p95_ms": self.p95_ms,
            "locustfile": self.locustfile,
            "scale": self.scale,
            "tag": list(self.tags),
            "confirm_target": list(self.confirmed),
        }
        return {name: value for name, value in options.items() if value is not None}

    def check(self) -> None:
        """Raise `UserError` for what the load generator would refuse."""
        Comparison.of_options(
            self.arms, None, [self.load], self.blocks, Users(self.locustfile, self.tags), self.confirmed,
            has_objective=self.p95_ms is not None,
        )  # fmt: skip


@click.command("ab", add_help_option=False)
@click.argument("arms", nargs=-1)
@click.option("--load", default=BURST_50)
@click.option("--blocks", type=int, default=BLOCKS)
@click.option("--p95-ms", type=FiniteRange(0, 600_000, min_open=True))
@click.option("--locustfile", type=FILE)
@click.option("--scale")
@click.option("--tag", "tags", multiple=True)
@click.option("--confirm-target", "confirmed", multiple=True)
def _options(**given: Any) -> Given:
    return Given(**given)


@magics_class
class LabMagics(Magics):
    """The magics of the lab."""

    @line_cell_magic
    def ab(self, line: str, cell: str | None = None) -> AbView:
        """Put set-ups under the same load, in random order and in blocks, and compare each with the first.

            %%ab --load open-50 --blocks 4 --p95-ms 300 --locustfile shop_users.py
            base: command:gunicorn -b 127.0.0.1:$PORT shop:app
            head: command:gunicorn -w 4 -b 127.0.0.1:$PORT shop:app

        An arm is a deployment of the workbench, checkout:FOLDER (a working tree of this project), command:WORDS (a
        server that listens on $PORT) or url:ADDRESS. Deployments and checkouts have the users of TraceTrack. With
        --p95-ms each arm is also evaluated against the bound, and one arm is enough. A board shows the runs as they
        end; interrupting the cell ends the measurement.
        """
        given = _parsed(line, cell or "")
        try:
            live = start_experiment(**given.options())
            display(live)
            name = live.finish()
            experiment = open_experiment(recording_path(name))
        except (RuntimeError, UserError) as error:
            raise UsageError(f"nothing can be compared: {error}") from None
        return AbView(experiment, given.load, given.p95_ms)


def _parsed(line: str, cell: str) -> Given:
    """The options and arms. Raises `UsageError` with a line for each mistake, and the usage."""
    mistakes: list[str] = []
    try:
        given = _options.main(shlex.split(line), standalone_mode=False)
    except (click.ClickException, ValueError) as error:
        raise UsageError(_with_usage([_message(error)])) from None
    arms = [*(word.partition("=")[::2] for word in given.arms), *_cell_arms(cell)]
    named = [_arm(name.strip(), what.strip(), mistakes) for name, what in arms]
    if not mistakes:
        given = given._replace(arms=tuple(named))
        try:
            given.check()
        except UserError as error:
            mistakes.append(_message(error))
    if mistakes:
        raise UsageError(_with_usage(mistakes))
    return given


def _cell_arms(cell: str) -> Iterator[tuple[str, str]]:
    """Yield name and source of each line that is not blank and no comment."""
    for text in cell.splitlines():
        if text.strip() and not text.lstrip().startswith("#"):
            name, _, what = text.partition(":")
            yield name, what


def _arm(name: str, what: str, mistakes: list[str]) -> str:
    """An arm as the command line takes it; adds to `mistakes` where it is none."""
    if not name or not what:
        mistakes.append(f"{f'{name}{what}'!r} is no arm; it looks like NAME: WHAT")
    elif what.partition(":")[0] in KINDS:
        return f"{name}={what}"
    elif what.startswith(("http://", "https://")):
        return f"{name}={URL}:{what}"
    elif is_id(what):
        return f"{name}={DEPLOYMENT}:{what}"
    else:
        mistakes.append(f"{name}: {what!r} is no deployment, and begins with none of {', '.join(KINDS)} and a colon")
    return ""


def _message(error: Exception) -> str:
    return error.format_message() if isinstance(error, click.ClickException) else str(error)


def _with_usage(mistakes: Sequence[str]) -> str:
    return "\n".join([*dict.fromkeys(mistakes), USAGE])
