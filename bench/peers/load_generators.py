"""The load generators of the comparison: how each is started, paced and read.

To add one: a row in `GENERATORS`, and the reader of its output in `reported_percentiles`.
"""

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from loadgen import environment, machine_lock

from . import reported_percentiles as reported
from .planned_load import MEAN_SERVICE_S, RATE_VARIABLE, TIMED_PATH
from .reported_percentiles import Percentiles

USERS = Path(__file__).parent
LOG = "generator.log"
# How the fixed rate is kept.
OPEN, OVERALL = "open load", "overall rate, corrected"
BY_CONNECTION, BY_USER = "rate of each connection", "rate of each user"
CLOSED, CORRECTED = "closed load", "closed load, corrected"


@dataclass(frozen=True)
class Job:
    """What a generator is to do: put `url` under load for a time, as fast as it can or at `rate_rps`.

    Its files go to `folder`. `program` is the path of its program, empty for what this Python runs.
    """

    url: str
    folder: Path
    duration_s: float
    connections: int
    rate_rps: float | None = None
    program: str = ""

    @property
    def path(self) -> str:
        """The URL with the path that is requested."""
        return f"{self.url}{TIMED_PATH if self.rate_rps else '/'}"

    @property
    def seconds(self) -> str:
        """The duration in whole seconds."""
        return str(math.ceil(self.duration_s))

    @property
    def users(self) -> int:
        """The connections; of closed load at a rate the mean number that is busy at it, by Little's law."""
        return max(1, round(self.rate_rps * MEAN_SERVICE_S)) if self.rate_rps else self.connections

    @property
    def rate_of_each(self) -> str:
        """The requests a second of each connection."""
        return f"{(self.rate_rps or 0) / self.connections:g}"


@dataclass(frozen=True)
class LoadGenerator:
    """A load generator: its command for a job, and the percentiles in its output.

    `rate_kind` says how it keeps a fixed rate, None for one that is only compared at saturation. `package` is what
    installs its program; an empty `program` is this Python.
    """

    name: str
    label: str
    command: Callable[[Job], list[str]]
    rate_kind: str | None = None
    percentiles: Callable[[Job], Percentiles] | None = None
    program: str = ""
    package: str = ""
    version: Callable[[str], str] = field(default=lambda program: version("locust"))
    environ: Callable[[Job], Mapping[str, str]] = field(default=lambda job: {})


def find_program(generator: LoadGenerator, more_folders: str = "") -> str | None:
    """The path of a generator's program; empty for this Python, None where it is not installed."""
    if not generator.program:
        return ""
    return shutil.which(generator.program, path=f"{more_folders}:{os.environ.get('PATH', '')}")


def _wrk(job: Job) -> list[str]:
    script = ["-s", str(USERS / "percentiles.lua")] if job.rate_rps else []
    return [job.program, "-t1", f"-c{job.users}", f"-d{job.seconds}s", *script, job.path]


def _ab(job: Job) -> list[str]:
    """Without `-n` after `-t` ab ends after 50,000 requests."""
    limits = ["-t", job.seconds, "-n", "3000000"]
    return [job.program, "-k", "-q", "-c", str(job.users), *limits, "-e", str(job.folder / "percentiles.csv"), job.path]


def _hey(job: Job) -> list[str]:
    pace = ["-q", job.rate_of_each, "-o", "csv"] if job.rate_rps else []
    return [job.program, "-z", f"{job.seconds}s", "-c", str(job.connections), *pace, job.path]


def _autocannon(job: Job) -> list[str]:
    pace = ["-R", f"{job.rate_rps:g}"] if job.rate_rps else []
    return [job.program, "-c", str(job.connections), "-d", job.seconds, "-j", "-n", *pace, job.path]


def _locust(users: str) -> Callable[[Job], list[str]]:
    def command(job: Job) -> list[str]:
        return [
            sys.executable, "-m", "locust", "-f", str(USERS / users), "--host", job.url, "--headless",
            "--users", str(job.connections), "--spawn-rate", str(job.connections), "--run-time", f"{job.seconds}s",
            "--loglevel", "WARNING", "--exit-code-on-error", "0", "--json-file", str(job.folder / "statistics"),
        ]  # fmt: skip

    return command


def _locust_environ(job: Job) -> dict[str, str]:
    rate = {RATE_VARIABLE: job.rate_of_each} if job.rate_rps else {}
    return {"TRACETRACK_DATA_DIR": str(job.folder), **rate}


def _workbench(job: Job) -> list[str]:
    scenario = f"open-{job.rate_rps:g}" if job.rate_rps else f"burst-{job.connections}"
    pace = ["--warmup", "0", "--arrivals", "constant"] if job.rate_rps else []
    return [
        sys.executable, "-m", "loadgen", "run", "--target", job.url, "--locustfile", str(USERS / "fast_users.py"),
        "--scenario", scenario, "--duration", job.seconds, *pace,
    ]  # fmt: skip


def _workbench_environ(job: Job) -> dict[str, str]:
    # The bench holds the machine's lock, so that the run needs one with another name.
    held = os.environ.get(machine_lock.VARIABLE) or machine_lock.NAME
    return {**_locust_environ(job), machine_lock.VARIABLE: f"{held}-bench"}


def _debian(package: str) -> Callable[[str], str]:
    def of_package(_: str) -> str:
        return _first_line(["dpkg-query", "--show", "--showformat=${Version}", package]) or "unknown version"

    return of_package


def _first_line(command: list[str]) -> str:
    try:
        printed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20).stdout
    except OSError:
        return ""
    return printed.partition("\n")[0].strip()


def _commit(_: str) -> str:
    code = environment.code()
    return f"{(code['commit'] or 'unknown')[:10]}{' with local changes' if code['changes'] else ''}"


GENERATORS = (
    LoadGenerator(
        "workbench", "workbench, loadgen run", _workbench, OPEN,
        lambda job: reported.of_run(job.folder / LOG), version=_commit, environ=_workbench_environ,
    ),
    LoadGenerator("recorded", "FastHttpUser with recording", _locust("recorded_users.py"), environ=_locust_environ),
    LoadGenerator(
        "fasthttp", "Locust FastHttpUser", _locust("fast_users.py"), BY_USER,
        lambda job: reported.of_locust(job.folder / "statistics.json"), environ=_locust_environ,
    ),
    LoadGenerator(
        "http", "Locust HttpUser", _locust("http_users.py"), BY_USER,
        lambda job: reported.of_locust(job.folder / "statistics.json"), environ=_locust_environ,
    ),
    LoadGenerator(
        "wrk", "wrk", _wrk, CORRECTED, lambda job: reported.of_wrk(job.folder / LOG),
        "wrk", "apt-get install wrk", _debian("wrk"),
    ),
    LoadGenerator(
        "hey", "hey", _hey, BY_CONNECTION, lambda job: reported.of_hey(job.folder / LOG),
        "hey", "apt-get install hey", _debian("hey"),
    ),
    LoadGenerator(
        "ab", "ab", _ab, CLOSED, lambda job: reported.of_ab(job.folder / "percentiles.csv"),
        "ab", "apt-get install apache2-utils", _debian("apache2-utils"),
    ),
    LoadGenerator(
        "autocannon", "autocannon", _autocannon, OVERALL, lambda job: reported.of_autocannon(job.folder / LOG),
        "autocannon", "npm install autocannon, or --install", lambda program: _first_line([program, "--version"]),
    ),
)  # fmt: skip
