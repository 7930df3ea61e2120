"""Looking at the locustfiles of an experiment before it begins, in processes of Locust that send nothing."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from workbench.errors import UserError
from workbench.temporary_folder import temporary_folder

from .compared_arms import Comparison
from .generator.interface import REFUSED, REHEARSAL
from .locust_runner import Load, last_error, locust_variables
from .subprocesses import Child, start
from .target import Users

LIMIT_S = 120.0  # for the import of a locustfile


def require_usable(comparison: Comparison, urls: Sequence[str]) -> None:
    """Raise `UserError` for a locustfile that Locust cannot import, or whose users a scenario cannot keep.

    The users would send to `urls`, which need not be up. Each locustfile is looked at once for each kind of address and
    of scenario.
    """
    searched = [f"{search.family}-{search.first}" for search in comparison.searches]
    of_scheme = {url.partition("://")[0] if "://" in url else "": url for url in urls}
    rehearsals: dict[tuple[Users, bool, str], tuple[Load, str]] = {}
    for scenario in map(comparison.scenario, [*comparison.scenarios, *searched]):
        users = comparison.users_of(scenario.name)
        for scheme, url in of_scheme.items():
            load = Load(scenario, 0, {}, 1, users.locustfile, users.tags, users.without_tags, users.tls)
            rehearsals.setdefault((users, scenario.kind == "shape", scheme), (load, url))
    for load, url in rehearsals.values():
        if load.locustfile:
            _rehearse(load, url)


def _rehearse(load: Load, url: str) -> None:
    with temporary_folder("rehearsal") as folder:
        command = [sys.executable, "-m", "loadgen.generator", *load.options(), *load.spawning_options()]
        environ = load.environ(folder, time.monotonic_ns(), url) | {"TRACETRACK_PROCESS": "0/1", REHEARSAL: "1"}
        with start("Locust", command, folder / "locust.log", environ, without=locust_variables()) as child:
            if not child.wait(LIMIT_S):
                raise UserError(f"{load.user_classes} was not imported within {LIMIT_S:.0f} s")
            if reason := _refusal(child, folder):
                raise UserError(f"{load.user_classes}: {reason}")


def _refusal(child: Child, folder: Path) -> str:
    """Why the locustfile cannot be used, by the process that looked at it; empty if it can."""
    if (refusal := folder / REFUSED).exists():
        return refusal.read_text()
    code = child.process.returncode
    return (last_error(child) or f"ended Locust with code {code}") if code else ""
