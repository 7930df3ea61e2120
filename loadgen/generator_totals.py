"""The summaries that the processes of the load generator leave at their end (`generator-N.json`), added up."""

import json
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path


def read(directory: Path) -> dict:
    """The `generator` entry of `run.json`. `processes` counts the summaries: a process that was killed leaves none."""
    paths = sorted(directory.glob("generator-[0-9]*.json"))
    summaries = [json.loads(text) for path in paths if (text := path.read_text())]
    if not summaries:
        return {"processes": 0}
    cpu_ms = [summary["cpu_ms"] for summary in summaries if summary.get("cpu_ms") is not None]
    return {
        "processes": len(summaries),
        "scheduling": summaries[0].get("scheduling"),
        "requests": sum(summary["requests"] for summary in summaries),
        "rows": sum(summary["rows"] for summary in summaries),
        "cpu_ms": sum(cpu_ms) if cpu_ms else None,
        "longest_flush_ms": max(summary["longest_flush_ms"] for summary in summaries),
        "longest_flush_cpu_ms": max(summary["longest_flush_cpu_ms"] for summary in summaries),
        "most_in_flight": sum(summary["most_in_flight"] for summary in summaries),
        "users": _added(summary.get("users") for summary in summaries),
        "started_tasks": _added(summary.get("started_tasks") for summary in summaries),
        "dropped": _added(summary.get("dropped") for summary in summaries),
        "task_errors": _added(summary["task_errors"] for summary in summaries),
        "replaced_values": sum(summary.get("replaced_values", 0) for summary in summaries),
        "sequences": _sequences(summary.get("sequences", {}) for summary in summaries),
        "notes": list(dict.fromkeys(chain(*(summary.get("notes", []) for summary in summaries)))),
        "stopped_by_locustfile": any(summary.get("stopped_by_locustfile") for summary in summaries),
        "parts_elsewhere": sum(bool(summary.get("is_part")) for summary in summaries),
        "exit_code": max((summary.get("exit_code") or 0 for summary in summaries), default=0),
        "unhandled_exceptions": sum(bool(summary.get("unhandled_exceptions")) for summary in summaries),
        "loop_gaps": [summary.get("loop_gaps") for summary in summaries],
        "locust": summaries[0].get("locust"),
        "in_flight_marks": [summary["in_flight_marks"] for summary in summaries],
    }


def _added(counters: Iterable[Mapping[str, int] | None]) -> dict[str, int] | None:
    """The sums of counters of several processes by name; None where a process has no such counters."""
    by_process: list[Mapping[str, int]] = []
    for counter in counters:
        if counter is None:
            return None
        by_process.append(counter)
    return {name: sum(counter.get(name, 0) for counter in by_process) for name in dict.fromkeys(chain(*by_process))}


def _sequences(by_process: Iterable[Mapping[str, dict]]) -> dict[str, dict]:
    """For each sequential task set its `steps`, and how many users `reached` each, over all processes."""
    added: dict[str, dict] = {}
    for name, sequence in chain(*(process.items() for process in by_process)):
        before = added.get(name, {"reached": [0] * sequence["steps"]})["reached"]
        added[name] = sequence | {"reached": [sum(pair) for pair in zip(before, sequence["reached"], strict=True)]}
    return added
