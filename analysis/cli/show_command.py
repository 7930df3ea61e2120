"""`python -m analysis show`: one recorded run, or all runs of an experiment."""

import math
from collections.abc import Iterator
from functools import partial

import click

from workbench import imported, validity
from workbench.display import DASH
from workbench.errors import UserError
from workbench.recording import Experiment, Run, open_experiment, open_run
from workbench.recording_place import recording_place
from workbench.request_schema import MEASURE
from workbench.terminal import echo
from workbench.text_cleaning import MAX_NAME_CHARACTERS, Target, cleaned

from .. import ablation
from ..faults.bands_of_run import fault_bands
from ..faults.fault_outcome import not_made_reason, outcome_of
from ..faults.fault_targets import missed_targets
from ..faults.fault_wording import outcome_line
from ..findings.evaluation import evaluate
from ..metrics import arm_metrics, percentile_table
from .engine_option import engine_option
from .request_types import require_types, without_type_option
from .warning_lines import warn, warn_unless_complete

SHOWN_NAME = partial(cleaned, target=Target.LINE, limit=MAX_NAME_CHARACTERS)
GATE_VERDICTS = {True: "passes", False: "FAILS"}
WITHOUT_VERDICT = "no verdict on a shared machine"


@click.command()
@click.argument("run")
@without_type_option
@engine_option
@click.option("--finding", "finding_id", default="", metavar="ID", help="Compute one finding of an experiment again.")
def show(run: str, without_types: tuple[str, ...], finding_id: str) -> None:
    """Show one run, or the runs of an experiment, or one finding of an experiment.

    Of a run: its arm and status, failures and latency of the successful responses by endpoint, and its gates.

    RUN is a directory, an id (<experiment>/<run>, <experiment>), or the URL of either in an object store.
    """
    path, origin = recording_place(run)
    if (path / "experiment.json").exists():
        experiment = open_experiment(path, without_types, origin=origin)
        require_types([experiment.rows], without_types)
        for name in ablation.unknown_primary_metrics(experiment):
            warn(f"the primary metric {name} that it declared is not known here, so it has no verdict")
        for line in _finding_lines(experiment, finding_id) if finding_id else [repr(experiment)]:
            echo(line)
        return
    if finding_id:
        raise click.UsageError(f"--finding takes an experiment, and {run} is one run")
    opened = open_run(path, without_types, origin=origin)
    warn_unless_complete(opened)
    for defect in opened.defects:
        warn(defect)
    if opened.is_readable():
        require_types([opened.rows], without_types)
    for line in _lines(opened):
        echo(line)


def _finding_lines(experiment: Experiment, finding_id: str) -> Iterator[str]:
    """The finding with this id, computed from the recordings, and the values behind it."""
    finding = next((each for each in evaluate(experiment) if each.id == finding_id), None)
    if finding is None:
        raise UserError(f"experiment {experiment.name} has no finding {finding_id!r}; findings.json lists them")
    yield cleaned(f"{finding.id}: {finding.claim}", Target.LINE)
    ends = " to ".join(f"{end:.6g}" for end in finding.interval or ())
    interval = f", interval {ends}" if ends else ""
    yield f"{finding.verdict}, effect {finding.effect}{interval}, n = {finding.n}"
    yield cleaned(finding.evidence, Target.LINE)
    if finding.query:
        yield finding.query
        yield experiment.rows.query(finding.query).to_string(index=False)


def _lines(run: Run) -> Iterator[str]:
    yield from (cleaned(line, Target.LINE) for line in run.headline())
    yield from run.notes()
    if run.totals is None:
        message = run.record.get("outcome", {}).get("message")
        yield cleaned(f"the application did not start: {message}", Target.LINE) if message else "no measured requests"
        return
    yield _requests_line(run, run.totals["requests"])
    yield from _phase_lines(run)
    yield "latency (from the actual send) and response time (from the intended send) of the successful responses, ms:"
    yield percentile_table.percentile_table(run).rename(index=SHOWN_NAME).to_string(na_rep=DASH)
    if run.dropped.get(MEASURE):
        yield "an endpoint counts dropped arrivals by its share of the requests; > x: more than the largest observed"
    yield from _fault_lines(run)
    yield from _gate_lines(run)


def _requests_line(run: Run, requests: int) -> str:
    """How many requests were measured in what time, under which kind of load."""
    kind = f"{'open' if run.is_open else 'closed'} load"
    if imported.is_imported(run.record):
        kind = "kind of load not known"
    seconds = arm_metrics.makespan_s(run)
    within = "" if math.isnan(seconds) else f" in {seconds:.2f} s"
    return f"{requests} measured requests{within} ({kind})"


def _fault_lines(run: Run) -> Iterator[str]:
    """When each fault was in force, what came of it, and by how much it misses its targets."""
    for band in fault_bands(run):
        until = f" to {band.end_s:.1f} s" if band.end_s > band.start_s else ""
        yield f"fault: {band.title}, {band.start_s:.1f} s{until} after the first request"
    if reason := not_made_reason(run):
        yield cleaned(f"its fault was not made: {reason}", Target.LINE)
    elif outcome := outcome_of(run):
        missed = missed_targets(outcome, run.record["deployment"]["settings"])
        yield cleaned(outcome_line(outcome), Target.LINE)
        yield from (cleaned(f"  target missed: {each}", Target.LINE) for each in missed)
        if not missed:
            yield "  all targets are met"


def _phase_lines(run: Run) -> Iterator[str]:
    """Requests per phase, where there are others than the measured ones."""
    counts = run.rows.query("SELECT phase, count(*) AS requests FROM requests GROUP BY phase ORDER BY min(start_ms)")
    if len(counts) > 1:
        phases = ", ".join(f"{row['phase']} {row['requests']}" for _, row in counts.iterrows())
        yield f"requests per phase: {phases}; only those of {MEASURE} enter the table"


def _gate_lines(run: Run) -> Iterator[str]:
    for gate in run.record.get("gates", []):
        if bound := validity.BOUNDS.get(gate["name"]):  # gates of another version have no bound here
            value = "-" if gate["value"] is None else bound.text(gate["value"])
            missing = "not measured" if gate["value"] is None else WITHOUT_VERDICT
            verdict = GATE_VERDICTS.get(gate["passed"], missing)
            yield f"  {gate['name']}: {value}, allowed {bound.allowed}: {verdict}"
