"""The gate: what a built report decides, from the sealed records of its experiment.

Nothing in `findings.json` decides by itself: the findings are evaluated anew, and have to be those of the file.
"""

from collections.abc import Sequence
from pathlib import Path

import click

from analysis import conclusions, regressions
from analysis.findings import findings_file
from analysis.findings.finding import Finding
from workbench import comparability
from workbench.arms import TUNED
from workbench.declared_arms import declared
from workbench.errors import RecordingError, UserError
from workbench.paths import recording_path
from workbench.recording import Experiment, open_experiment
from workbench.recording_place import recording_place

from . import record_check, views
from .decision import Decision, decide, invalid


def run(html: Path, name: str, baseline: str | None, candidate: str) -> Decision:
    """Decide on the report in a folder, and write `summary.md` and `junit.xml` with the decision.

    `name` is the id, folder or URL of its experiment, that of the report if it is empty. `baseline` is an experiment,
    or a deployment or arm of this one that `candidate` is compared with; an empty candidate is tuned, or the only other
    arm.
    Raises `click.UsageError` for a baseline or a candidate that there is not. Whatever else keeps the gate from
    deciding is an *invalid* decision.
    """
    if baseline is not None and not baseline.strip():
        raise click.UsageError("--baseline is empty; name an experiment or a deployment, or leave it out")
    experiment: Experiment | None = None
    findings: list[Finding] = []
    notes: list[str] = []
    try:
        experiment, findings = _trusted(html, name)
        if baseline is not None:
            is_arm = baseline in {run.deployment for run in experiment.runs}
            kept = [each for each in findings if not (is_arm and each.kind == regressions.KIND)]
            findings = [*kept, *_compared(experiment, findings, baseline, candidate, notes)]
        decision = decide(experiment, findings)
    except UserError as error:
        reason, *lines = error.message.split("\n")
        decision = invalid(reason, lines)
    decision = decision.with_notes(notes)
    if html.is_dir():
        views.write(decision, experiment, findings, html)
    return decision


def _trusted(html: Path, name: str) -> tuple[Experiment, list[Finding]]:
    """The experiment of the report and its findings. Raises `UserError` where they cannot be trusted."""
    path = html / findings_file.NAME
    if not path.exists():
        raise UserError(f"there is no {path.name} yet; run make report first")
    stored = findings_file.load(path)
    place = recording_place(name or stored.experiment)
    experiment = open_experiment(place.directory, checks_digests=True, origin=place.origin)
    if experiment.name != stored.experiment:
        raise UserError(
            f"the built report is that of {stored.experiment}, not of {experiment.name}; run make render "
            f"EXPERIMENT={experiment.name}"
        )
    record_check.require_unchanged(experiment)
    if stored.digest is None:
        raise UserError(f"{path.name} has no digest of experiment {experiment.name}; make render writes it anew")
    record_check.require_unchanged(experiment, stored.digest)
    return experiment, record_check.evaluated(experiment, stored.findings)


def _default_candidate(experiment: Experiment, others: set[str]) -> str:
    """What is compared with a baseline where nothing is named: tuned; in a comparison of arms the only other one."""
    if not declared(experiment.record):
        return TUNED
    return next(iter(others)) if len(others) == 1 else ""


def _compared(
    experiment: Experiment, findings: Sequence[Finding], baseline: str, candidate: str, notes: list[str]
) -> list[Finding]:
    """The findings against the baseline; `notes` gets facts that may matter.

    Against the baseline of a comparison of arms they are among its own `findings`, corrected over all of its arms.
    """
    deployments = {run.deployment for run in experiment.runs}
    if baseline in deployments:
        candidate = candidate or _default_candidate(experiment, deployments - {baseline})
        if candidate not in deployments or candidate == baseline:
            raise click.UsageError(
                f"--candidate {candidate or '(none given)'} is no other deployment of {experiment.name}; it has "
                f"{', '.join(sorted(deployments - {baseline})) or 'none'}"
            )
        if baseline in [arm.name for arm in declared(experiment.record)[:1]]:
            return conclusions.of_candidate(findings, baseline, candidate)
        return regressions.against_arm(experiment, baseline, candidate)
    path = recording_path(baseline)
    if not path.exists():
        raise click.UsageError(f"--baseline {baseline} is neither an experiment nor a deployment of {experiment.name}")
    stored = open_experiment(path, checks_digests=True)
    if stored.directory.resolve() == experiment.directory.resolve():
        raise click.UsageError(f"--baseline {baseline} is the experiment of the report itself")
    record_check.require_unchanged(stored)
    if comparability.differences([stored.record, experiment.record], comparability.MACHINE):
        raise RecordingError(
            f"the baseline {stored.name} was measured on another machine and decides nothing; measure both on one"
        )
    return regressions.against_experiment(experiment, stored, notes.append)
