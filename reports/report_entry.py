"""What the index says of a report: facts that are stored beside its page when it is built, and read back from there."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from analysis import environment_facts, history
from analysis.findings.finding import FAIL, NOT_MEASURED, Finding
from analysis.stats.confidence import Estimate
from workbench import atomic, seal
from workbench.errors import RecordingError
from workbench.paths import is_id, runs_directory
from workbench.record_files import read_json
from workbench.recorded_experiment import planned
from workbench.recording import Experiment
from workbench.run_record import FILES
from workbench.seal import file_digest

from .page_names import REPORT_FACTS, report_stem

MAX_BYTES = 1_000_000  # of a file of facts; ours has some thousand
GONE, CHANGED = "gone", "changed"


@dataclass(frozen=True)
class ReportEntry:
    """The facts of one built report.

    digest: the SHA-256 of the experiment's record, None for one that was never sealed
    started: of its first run, as `2026-11-28T06:17` in UTC
    runs, valid: numbers of planned and of usable runs
    objectives, failed, not_measured: number of objectives, those that failed, each a sentence, and a number
    durations_s: of 50 users at once, by deployment: value, ends of the interval or None, blocks
    facts: `analysis.environment_facts.facts_of`
    """

    experiment: str
    digest: str | None
    started: str
    profile: str
    verdict: str
    runs: int
    valid: int
    objectives: int
    failed: tuple[str, ...]
    not_measured: int
    durations_s: Mapping[str, Estimate]
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """The file name of its page."""
        return f"{report_stem(self.experiment)}.html"

    def state_of_recording(self) -> tuple[str, str]:
        """`GONE` or `CHANGED` with what is wrong, for a recording that is not as the page was made of; else empty."""
        directory = runs_directory() / self.experiment
        try:
            if not is_id(self.experiment) or not (directory / "experiment.json").is_file():
                return GONE, "experiment.json is missing"
            if self.digest and file_digest(directory / "experiment.json") != self.digest:
                return CHANGED, "experiment.json is not the one that the page was made of"
            changed = next(_changed_files(directory), "") if self.digest else ""
        except (OSError, RecordingError) as error:
            return CHANGED, str(error)
        except (KeyError, TypeError, AttributeError):
            return CHANGED, "its records have no seals that can be read"
        return (CHANGED, changed) if changed else ("", "")


def _changed_files(directory: Path) -> Iterator[str]:
    """Yield the files that do not fit the seals of an experiment whose own record does.

    Records of runs are compared in their content, other files in their size: an index of many experiments opens fast,
    and `python -m reports verify` compares every byte.
    """
    files = read_json(directory / "experiment.json").value["files"]
    mismatches = [*seal.size_mismatches(directory, files), *seal.digest_mismatches(directory, files)]
    for name in files:
        path = directory / name
        if path.name == FILES["run"] and not mismatches:
            run_files = read_json(path).value["files"]
            mismatches += [
                (f"{path.parent.name}/{file}", problem)
                for file, problem in seal.size_mismatches(path.parent, run_files)
            ]
    yield from (f"{name} {problem}" for name, problem in mismatches)


def of_report(experiment: Experiment, findings: Sequence[Finding], verdict: str) -> ReportEntry:
    """The facts of the report of an experiment; `verdict` is its sentence."""
    objectives = [finding for finding in findings if finding.kind == "objective"]
    return ReportEntry(
        experiment=experiment.name,
        digest=experiment.digest,
        started=history.started(experiment),
        profile=experiment.record["profile"],
        verdict=verdict,
        runs=len(planned(experiment.record)),
        valid=len(experiment.usable),
        objectives=len(objectives),
        failed=tuple(each.claim for each in objectives if each.verdict == FAIL),
        not_measured=sum(each.verdict == NOT_MEASURED for each in objectives),
        durations_s=history.durations_s(experiment),
        facts=environment_facts.facts_of(experiment),
    )


def write(entry: ReportEntry, page: Path) -> Path:
    """Keep a copy of the built page under its experiment's name, with its facts beside it; return the copy's path."""
    copy = page.with_name(entry.page)
    atomic.write_text(copy, page.read_text(encoding="utf-8"))
    facts = copy.with_name(f"{report_stem(entry.experiment)}{REPORT_FACTS}")
    atomic.write_text(facts, json.dumps(asdict(entry), indent=2, ensure_ascii=True) + "\n")
    return copy


def read_all(folder: Path) -> tuple[list[ReportEntry], list[str]]:
    """The entries of the reports in a folder, the newest first, and a line for each file of facts that has none."""
    entries, problems = [], []
    for path in sorted(folder.glob(f"*{REPORT_FACTS}")):
        try:
            entries.append(_entry(read_facts(path)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            problems.append(f"{path.name} holds no facts of a report; make render EXPERIMENT=<id> writes them anew")
    return sorted(entries, key=lambda entry: (entry.started, entry.experiment), reverse=True), problems


def read_facts(path: Path) -> Any:
    """The content of a file of facts. Raises ValueError for one that is too large or no JSON, OSError without one."""
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"{path.name} is too large")
    return json.loads(content)


def _entry(stored: Mapping[str, Any]) -> ReportEntry:
    """The entry of a file's content. Raises ValueError, KeyError or TypeError for another shape."""
    texts = {name: _checked(stored[name], str) for name in ("experiment", "started", "profile", "verdict")}
    counts = {name: _checked(stored[name], int) for name in ("runs", "valid", "objectives", "not_measured")}
    return ReportEntry(
        **texts,
        **counts,
        digest=_checked(stored["digest"], str, type(None)),
        failed=tuple(_checked(each, str) for each in stored["failed"]),
        durations_s=dict(_estimates(stored["durations_s"])),
        facts={name: _checked(value, str) for name, value in stored["facts"].items()},
    )


def _estimates(stored: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Estimate]]:
    for deployment, estimate in stored.items():
        value = float(_checked(estimate["value"], float, int))
        ends = [_checked(estimate[end], float, int, type(None)) for end in ("low", "high")]
        yield deployment, Estimate(value, _checked(estimate["blocks"], int), *ends)


def _checked(value: Any, *types: type) -> Any:
    """The value, if it is of one of these types; raises ValueError otherwise."""
    if not isinstance(value, types) or isinstance(value, bool):
        raise ValueError(f"{value!r} is of another type")
    return value
