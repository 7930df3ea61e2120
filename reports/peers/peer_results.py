"""The results of a bench against peers: `data/bench/<bench>/peers.json`, written by `bench` and read by the page.

A result is one run of a generator, or one page, in one round. All are kept in the order in which they were measured.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from workbench import seal
from workbench.errors import RecordingError
from workbench.paths import data_directory, is_id
from workbench.record_files import read_json
from workbench.record_format import FIRST_SEALED

from ..jsonschema_import import import_without_grammar
from .peer_schema import SCHEMA

FORMAT, FILE = 1, "peers.json"
RUNNING, COMPLETE = "running", "complete"
MAX_MESSAGE = 200  # characters of what the schema says, which quotes the file
Percentiles = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class CapacityRun:
    """A generator at saturation on one core, for `seconds`: requests by the server's count, CPU time of all processes.

    `problem` is empty, or says why there are no values.
    """

    generator: str
    requests: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    server_cpu_s: float = 0.0
    round: int = 0
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class AccuracyRun:
    """A generator at the fixed rate, with a `stall` of the server or without: what it reported, and what was true.

    `sent` requests reached the server, `due` were due. `late_p99_ms` is by how much the server was late at p99, which
    is in the true values.
    """

    generator: str
    stall: bool
    sent: int = 0
    due: int = 0
    reported_ms: Percentiles = field(default_factory=dict)
    true_ms: Percentiles = field(default_factory=dict)
    late_p99_ms: float = 0.0
    round: int = 0
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class PageRun:
    """A page made of `rows` request rows by `maker`: wall and CPU time, and the peak of the process's memory."""

    maker: str
    rows: int
    seconds: float = 0.0
    cpu_s: float = 0.0
    peak_mib: float = 0.0
    round: int = 0
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A generator or a maker of pages, as the page names it.

    `rate_kind` says how a generator keeps a fixed rate, `missing` what installs one that was not there.
    """

    name: str
    label: str
    version: str = ""
    rate_kind: str = ""
    missing: str = ""


@dataclass(frozen=True, kw_only=True)
class PeerResults:
    """A bench against peers: what was compared and how, and every result.

    `server` is what the generators at saturation sent to. `settings` has numbers: rounds, measured_s, connections,
    rate_rps, duration_s, stall_at_s, stall_s, mean_service_ms. `sha256` is that of the file, empty before it is there.
    """

    bench: str
    started: str
    environment: Mapping[str, Any]
    settings: Mapping[str, float]
    server: str
    status: str = RUNNING
    generators: tuple[Peer, ...] = ()
    makers: tuple[Peer, ...] = ()
    capacity: tuple[CapacityRun, ...] = ()
    accuracy: tuple[AccuracyRun, ...] = ()
    pages: tuple[PageRun, ...] = ()
    sha256: str = ""

    @property
    def rounds(self) -> int:
        """The number of rounds in which the generators were compared."""
        return int(self.settings["rounds"])

    @property
    def problems(self) -> list[tuple[str, str]]:
        """The label of each peer with a result that has a problem, and the problem."""
        generators, makers = ({peer.name: peer.label for peer in peers} for peers in (self.generators, self.makers))
        named = [
            *((generators.get(run.generator, run.generator), run.problem) for run in self.capacity),
            *((generators.get(run.generator, run.generator), run.problem) for run in self.accuracy),
            *((makers.get(run.maker, run.maker), run.problem) for run in self.pages),
        ]
        return [(label, problem) for label, problem in named if problem]


def folder_of(bench: str) -> Path:
    """The folder of a bench's results."""
    return data_directory() / "bench" / bench


def write(results: PeerResults) -> Path:
    """Write the results with their seal, or replace both; return the path."""
    path = folder_of(results.bench) / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"format": FORMAT, **asdict(results)}
    del content["sha256"]
    seal.write(path, json.dumps(content, indent=1))
    return path


def read(bench: str) -> PeerResults:
    """Read the results of a bench. Raises `RecordingError` that says in a line what is wrong."""
    if not is_id(bench):
        raise RecordingError(f"{bench!r} is no id of a bench")
    path = folder_of(bench) / FILE
    try:
        stored = read_json(path)
    except OSError:
        raise RecordingError(f"{path} is not there; python -m bench peers measures one") from None
    try:
        return _results(stored.value, bench, stored.sha256)
    except ValueError as error:
        raise RecordingError(f"{path} holds no results of a bench against peers ({error}); measure again") from None


def read_all() -> tuple[list[PeerResults], list[str]]:
    """The results of all benches, the newest first, and a line for each file that cannot be read."""
    results, problems = [], []
    for path in sorted(folder_of("").glob(f"*/{FILE}"), reverse=True):
        try:
            results.append(read(path.parent.name))
        except RecordingError as error:
            problems.append(str(error))
    return results, problems


def newest() -> str:
    """The id of the newest bench. Raises `RecordingError` where there is none."""
    names = sorted(path.parent.name for path in folder_of("").glob(f"*/{FILE}"))
    if not names:
        raise RecordingError(f"there is no bench against peers in {folder_of('')}; python -m bench peers measures one")
    return names[-1]


def seal_problem(results: PeerResults) -> str:
    """What is wrong with the seal of stored results; empty for none."""
    path, record = folder_of(results.bench) / FILE, {"format": FIRST_SEALED, "status": results.status}
    return "; ".join(f"{name} {problem}" for name, problem in seal.record_mismatches(path, record, results.sha256))


def _results(content: Mapping[str, Any], bench: str, sha256: str) -> PeerResults:
    """The results of a file's content. Raises `ValueError` for another shape."""
    import_without_grammar()
    from jsonschema import Draft202012Validator  # it takes as long to import as all else here

    if problem := next(Draft202012Validator(SCHEMA).iter_errors(content), None):
        raise ValueError(f"{problem.json_path}: {problem.message[:MAX_MESSAGE]}")
    if content["bench"] != bench:
        raise ValueError("it names another bench")
    kinds = {"generators": Peer, "makers": Peer, "capacity": CapacityRun, "accuracy": AccuracyRun, "pages": PageRun}
    rows: dict[str, Any] = {name: tuple(kind(**row) for row in content[name]) for name, kind in kinds.items()}
    rest = {name: value for name, value in content.items() if name not in (*kinds, "format")}
    return PeerResults(**rest, **rows, sha256=sha256)
