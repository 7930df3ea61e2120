"""The runs behind the page, and the gates that make each of them valid or not."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.metrics import arm_metrics
from analysis.stats.confidence import MIN_BLOCKS, noise_floor
from workbench import imported
from workbench.recording import Experiment, Run
from workbench.server_timing_header import discarded_note
from workbench.validity import BOUNDS, Bound

from ..markup import Html
from ..tables import Quantity, Verdict, table
from .comparison import Report, join, plural, prose
from .names import load, set_up

LOADS = {"open": "open", "start": "none", imported.KIND: "not known"}  # by kind of scenario; every other kind is closed
COST = "cost of the readings, share of one core"
FLUSH, FLUSH_CPU = "longest flush, ms", "largest CPU time of a flush, ms"


def evidence(report: Report) -> Html:
    """Every run of the page, the values of its gates, and the A/A differences."""
    experiment = report.experiment
    if not experiment.runs:
        return prose("No run was recorded.")
    return join(_runs(experiment), *_discarded_timings(experiment), _gates(experiment.runs), _aa_differences(report))


def _runs(experiment: Experiment) -> Html:
    rows = [
        {
            "run": run.name,
            "block": run.block + 1,
            "load": LOADS.get(run.record["scenario"]["kind"], "closed"),
            "rows": run.record.get("rows"),
            "status": run.status,
            "valid": _validity(run),
            "reasons": "; ".join([*run.record["reasons"], *map(str, run.defects)]) or None,
        }
        for run in experiment.runs
    ]
    return table(pd.DataFrame(rows), "Runs behind this page", note=_environment(experiment))


def _validity(run: Run) -> Verdict | Html:
    """A run that its fault ended is not valid, and not invalid either: its end is what was to be seen."""
    if run.was_ended_by_fault:
        return Html("ended by its fault")
    return Verdict.PASS if run.is_valid() else Verdict.INVALID


def _environment(experiment: Experiment) -> str:
    environment = experiment.record["environment"]
    if imported.is_imported(experiment.record):
        tool = imported.tool(experiment.record)
        return f"Experiment {experiment.name}, imported from {tool}; {imported.MACHINE}. {_seal(experiment)}"
    postgresql = environment.get("postgresql")  # None where no arm was served on the workbench's database
    text = (
        f"Experiment {experiment.name}, {plural(environment['cpu_count'], 'core')} ({environment['cpu_model']}), "
        f"{environment['memory_bytes'] / 2**30:.0f} GiB, Python {environment.get('python') or 'unknown'}, "
        f"{f'PostgreSQL {postgresql}, ' if postgresql else ''}"
        f"commit of the workbench {(environment.get('commit') or 'unknown')[:12]}"
        f"{' with changes' if environment.get('dirty') else ''}, seed {experiment.record.get('seed', 'unknown')}. "
        f"The load generator and the system share this machine. {_seal(experiment)}"
    )
    if experiment.differences:
        text += f" Its runs differ in {', '.join(experiment.differences)}."
    return text


def _seal(experiment: Experiment) -> str:
    if experiment.digest:
        return f"SHA-256 of the experiment: {experiment.digest}."
    return "The experiment is unsealed: changes made after it was recorded do not show."


def _discarded_timings(experiment: Experiment) -> list[Html]:
    """A line for each run whose application sent timings that cannot be."""
    return [prose(f"{run.name}: {note}.") for run in experiment.runs for note in discarded_note(run.record)]


def _gates(runs: Sequence[Run]) -> Html:
    """A row for each run that sent a request, a column for each gate."""
    gated = [run for run in runs if run.record.get("gates")]
    if not gated:
        return prose("No run that sent a request has ended.")
    frame = pd.DataFrame([{"run": run.name, **_gate_values(run), **_cost(run), **_flush(run)} for run in gated])
    note = (
        "A run with a value beyond its bound is invalid and enters no other table of this page. The behaviour of the "
        "system, failures included, never makes a run invalid. A dash is a gate that does not apply to the load, or a "
        "value that could not be measured. Where a flush of rows takes longer than its CPU time, the generator waited "
        "for a core; the dispatch lag shows whether that mattered."
    )
    formats = {_heading(bound): bound.text for bound in BOUNDS.values()}
    formats |= {COST: "{:.1%}".format, FLUSH: "{:.1f}".format, FLUSH_CPU: "{:.1f}".format}
    return table(frame, "Gates of each run", note=note, formats=formats)


def _heading(bound: Bound) -> str:
    return f"{bound.name} ({bound.allowed})"


def _gate_values(run: Run) -> dict[str, float | None]:
    """The values of all gates in their order, None for a gate that does not apply to this run."""
    values = {gate["name"]: gate["value"] for gate in run.record["gates"]}
    return {_heading(bound): values.get(bound.name) for bound in BOUNDS.values()}


def _cost(run: Run) -> dict[str, float | None]:
    """CPU time of the readings as a share of one core, from the first to the last of them."""
    readings = run.record.get("readings")
    at_us = run.process["at_us"]
    if not readings or at_us.nunique() < 2:
        return {COST: None}
    cpu_ms = readings["cpu_ms"] + (readings.get("database_cpu_ms") or 0.0)
    return {COST: 1000 * cpu_ms / (at_us.max() - at_us.min())}


def _flush(run: Run) -> dict[str, float | None]:
    """The longest pause of the generator to write rows, and the largest CPU time of one."""
    generator = run.record.get("generator", {})
    return {FLUSH: generator.get("longest_flush_ms"), FLUSH_CPU: generator.get("longest_flush_cpu_ms")}


def has_replicates(experiment: Experiment) -> bool:
    """True where both runs of an A/A pair are valid in some block."""
    return not arm_metrics.replicate_ratios(experiment).empty


def _without_replicates(experiment: Experiment) -> str:
    if any(run.replicate for run in experiment.runs):
        return "In no block are both runs of an A/A pair valid, so the A/A difference is not known."
    return "No arm has an A/A replicate, so the A/A difference is not known."


def _aa_differences(report: Report) -> Html:
    """Ratios of two runs of the same arm in the same block: a smaller difference between arms shows nothing."""
    pairs = arm_metrics.replicate_ratios(report.experiment)
    if pairs.empty:
        return prose(_without_replicates(report.experiment))
    rows = [
        {
            report.noun: set_up(str(deployment)),
            "load": load(str(scenario)),
            "second over first, by block": ", ".join(f"{ratio:.2f}" for ratio in ratios.sort_values("block")["ratio"]),
            "noise floor": Quantity.optional(_noise_floor_share(ratios["ratio"]), "{:.1%}"),
        }
        for (deployment, scenario), ratios in pairs.groupby(["deployment", "scenario"])
    ]
    note = (
        "Of the time from the first send to the last response, in two identical runs of one block, in random order. "
        f"Another such pair differs by less than the noise floor with a probability of 95 %; it takes {MIN_BLOCKS} "
        "blocks."
    )
    return table(pd.DataFrame(rows, dtype=object), "A/A differences", note=note)


def _noise_floor_share(ratios: pd.Series) -> float | None:
    floor = noise_floor(np.log(ratios.to_numpy()))
    return None if floor is None else floor - 1
