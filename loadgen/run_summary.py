"""The summary of a run that has ended, in lines: failures and latency by endpoint, and what went wrong."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from workbench import display, validity
from workbench.failures import kinds_text
from workbench.recording import Run
from workbench.request_schema import MEASURE
from workbench.server_timing_header import discarded_note
from workbench.text_cleaning import Target, cleaned

from . import host_summary
from .memory import memory_outcome

FIRST_SENDS_ADVICE = "The users of a burst start together; here the last one began late, measured by the whole burst"
MAX_KINDS = 5  # of errors in a line
MAX_ENDPOINTS = 25  # in the table
COLUMNS = ["phase", "endpoint", "scheduled_us", "start_us", "latency_us", "ok", "error"]


def lines(directory: Path, record: dict) -> list[str]:
    """The lines to print: requests, failures and latency by endpoint, then one for each thing that went wrong."""
    status = record.get("status", "complete")
    if status == "running":  # its record could not be completed, as on a full disk
        return ["The run was cut off; its rows up to then are kept"]
    if status != "complete" and not record.get("stopped_by_hand"):
        return [_early_end(directory, record)]
    rows = pd.read_parquet(directory / "requests.parquet", columns=COLUMNS)
    summary = [
        *_endpoints(Run(directory, record)),
        *_settings(record),
        *_repeats(record),
        *_failures(rows),
        *_without_time(rows),
        *_task_errors(record),
        *_locustfile(record["generator"]),
        *_broken_connections(record),
        *_missed_rate(rows, record),
        *discarded_note(record),
        *memory_outcome.lines(record),
        *_others(record),
        *host_summary.lines(record),
    ]
    if not record["valid"]:
        summary.append("This run is not valid: " + "; ".join(record["reasons"]))
        if any(reason.startswith(validity.FIRST_SENDS.name) for reason in record["reasons"]):
            summary.append(f"{FIRST_SENDS_ADVICE}; longer passes make the share smaller")
    return summary


def _early_end(directory: Path, record: dict) -> str:
    """The line of a run that its fault ended: its generator reported nothing, and rows may be in streams only."""
    reason = record["reasons"][0]
    return f"The run ended by its fault, and is not valid: {reason}; its rows: python -m analysis show {directory}"


def _endpoints(run: Run) -> list[str]:
    """The table of the measured requests; latencies are of the successful responses."""
    table = run.overview()
    if table.empty:
        return []
    more = len(table) - MAX_ENDPOINTS
    others = [f"and {more} endpoints more: python -m analysis show {run.directory}"] if more > 0 else []
    shown = display.text([], table.head(MAX_ENDPOINTS)).splitlines()
    return ["latency of the successful responses, ms:", *shown, *others]


def _others(record: dict) -> list[str]:
    """The processes that took the CPU, and on a shared machine that this was not evaluated."""
    values = {gate["name"]: gate["value"] for gate in record["gates"]}
    bounds = (validity.OTHERS_CPU, validity.OTHERS_CPU_PEAK)
    if not any((values.get(bound.name) or 0) > bound.threshold for bound in bounds):
        return []
    busiest = ", ".join(f"{process['name']} (id {process['pid']})" for process in record.get("busiest_others", ()))
    share = validity.OTHERS_CPU.text(values[validity.OTHERS_CPU.name])
    line = f"Other processes took {share} of all cores{busiest and ': mostly ' + busiest}"
    is_shared = record["environment"].get("shared_machine")
    return [f"{line}; this is not evaluated, as the machine is declared as shared" if is_shared else line]


def _failures(rows: pd.DataFrame) -> list[str]:
    """The failures of the measured phase, then how many requests the other phases had."""
    measured = rows[rows["phase"] == MEASURE]
    kinds = Counter(measured.loc[~measured["ok"], "error"])
    lines = [f"{kinds.total()} of {len(measured)} measured requests failed: {_by_kind(kinds)}"] if kinds else []
    others = [_phase(name, group["ok"]) for name, group in rows[rows["phase"] != MEASURE].groupby("phase", sort=False)]
    return [*lines, *([f"Requests of other phases, in no table: {', '.join(others)}"] if others else [])]


def _without_time(rows: pd.DataFrame) -> list[str]:
    """The endpoints whose client reports no time, or a value that is none."""
    kinds = Counter(rows.loc[rows["latency_us"].isna(), "endpoint"])
    if not kinds:
        return []
    return [f"{kinds.total()} requests have no latency, as their client reports no time: {_by_kind(kinds)}"]


def _phase(name: object, ok: pd.Series) -> str:
    """`warmup 20`, or `warmup 20 (3 failed)`."""
    failed = int((~ok).sum())
    return f"{name} {len(ok)}{f' ({failed} failed)' if failed else ''}"


def _repeats(record: dict) -> list[str]:
    scenario = record["scenario"]
    if scenario["kind"] not in ("burst", "single") or not scenario["duration_s"]:
        return []
    return ["Each user repeated the pass without a pause until the duration was over: a wait_time has no effect there"]


def _task_errors(record: dict) -> list[str]:
    kinds = Counter(record["generator"].get("task_errors"))
    return [f"{kinds.total()} tasks ended with an error: {_by_kind(kinds)}"] if kinds else []


def _settings(record: dict) -> list[str]:
    """What of the user's settings of Locust, and of the locustfile, had no effect."""
    ignored = record.get("ignored_settings")
    lines = (
        [f"These settings of Locust had no effect, as the scenario decides: {', '.join(ignored)}"] if ignored else []
    )
    return [*lines, *record["generator"].get("notes", [])]


def _locustfile(generator: dict) -> list[str]:
    """What the locustfile did beside its requests."""
    lines = [_sequence(name, **sequence) for name, sequence in (generator.get("sequences") or {}).items()]
    if stopped := (generator.get("users") or {}).get("stopped"):
        lines.append(f"{stopped} users stopped themselves before the end of the load")
    if generator.get("unhandled_exceptions"):
        lines.append("a listener or a greenlet of the locustfile raised an exception; Locust's log has it")
    if generator.get("replaced_values"):
        lines.append(f"{generator['replaced_values']} values that fit into no row were replaced, or are null")
    if generator.get("exit_code"):
        lines.append(f"the locustfile set the exit code {generator['exit_code']}")
    return lines


def _sequence(name: str, steps: int, reached: Sequence[int]) -> str:
    """How far the users came in a sequential task set."""
    users, farthest = reached[0], sum(map(bool, reached))
    if reached[-1]:
        return f"{name}: {reached[-1]} of {users} users came to the last of its {steps} steps"
    return f"{name}: none of {users} users came to the last of its {steps} steps; the farthest came to step {farthest}"


def _broken_connections(record: dict) -> list[str]:
    times = record.get("database_lost")
    if not times:
        return []
    often = "once" if times == 1 else f"{times} times"
    cause = "as all do when one of its processes is killed; its log says why"
    return [f"A connection to PostgreSQL broke {often} in mid-run, {cause}"]


def _by_kind(kinds: Counter[str]) -> str:
    return cleaned(kinds_text(kinds.most_common(MAX_KINDS), len(kinds), MAX_KINDS), Target.LINE)


def _missed_rate(rows: pd.DataFrame, record: dict) -> list[str]:
    """The rate of an open load that was sent, beside the rate that was due, where the two differ."""
    scenario, measured = record["scenario"], rows[rows["phase"] == "measure"]
    dropped = (record["generator"].get("dropped") or {}).get("measure", 0)
    late = any(gate["name"] == validity.DISPATCH_LAG.name and gate["passed"] is False for gate in record["gates"])
    if scenario["kind"] != "open" or measured.empty or not (dropped or late):
        return []
    started = record["generator"]["started_tasks"]["measure"]
    due = started + dropped
    elapsed_s = max(scenario["duration_s"], (measured["start_us"].max() - measured["scheduled_us"].min()) / 1e6)
    rates = f"{started / elapsed_s:.1f} a second were sent of {due / scenario['duration_s']:.1f} that were due"
    if late:
        return [f"The load generator could not keep up: {rates}"]
    return [f"{dropped} of {due} arrivals were dropped, which count as slower than every latency: {rates}"]
