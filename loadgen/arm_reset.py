"""Running what resets the application of an arm before a run: a command with an end."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from workbench.errors import UserError

from .arm_start import ArmStart, filled
from .command_guard import GRACE_S, LEFT
from .subprocesses import start

GUARD = Path(__file__).with_name("command_guard.py")
LOG = "reset.log"


def run(arm: str, how: ArmStart, port: int | None, directory: Path, variables: Mapping[str, str], folder: Path) -> None:
    """Run the reset of an arm, if it has one, in a folder; its log is in the run's directory.

    `port` stands for $PORT in it; None where the application is elsewhere. Raises `UserError` where it fails or does
    not end in time.
    """
    if not how.reset:
        return
    words = [filled(word, port) for word in shlex.split(how.reset)]
    name = f"the reset of arm {arm}"
    with start(
        name, [sys.executable, "-I", "-S", str(GUARD), *words], directory / LOG, dict(variables), folder=folder,
        grace_s=GRACE_S,
    ) as child:  # fmt: skip
        if not child.wait(how.reset_within_s):
            raise UserError(f"{name} did not end within {how.reset_within_s:g} s; give it longer by reset_within_s\n"
                            f"Its log is {child.log}")  # fmt: skip
    if code := child.process.returncode:
        how_ended = "" if code == LEFT else f"ended with code {code}: "
        reason = child.last_error() if how_ended else child.last_line()
        raise UserError(f"{name} {how_ended}{reason or 'it printed nothing'}\nIts log is {child.log}")
