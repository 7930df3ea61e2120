"""What was run: the system under test, the load, the generator, the data and the machine, a fact a row."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from workbench import imported
from workbench.arms import START
from workbench.recording import Run

from ..markup import Html
from ..sections import imported_files
from ..sections.comparison import join, plural, prose
from ..tables import folded, table

TARGET, BY_HAND = "target", "by-hand"
Fact = tuple[str, str]


def title(run: Run) -> str:
    """The title of the page: what was put under which load."""
    return f"{system(run)} under {load_name(run)}"


def system(run: Run) -> str:
    """The deployment's name, or the address of the target as far as it is on record."""
    if run.deployment != TARGET:
        return run.deployment
    url = run.record["deployment"]["settings"].get("url") or _options(run).get("host")
    return str(url) if url else "A target"


def load_name(run: Run) -> str:
    """The name of the scenario; a Locust that was started manually has none."""
    return "a Locust that was started manually" if _is_by_hand(run) else run.scenario


def subtitle(run: Run) -> str:
    """The load, the time and the machine, in a line for the first screen."""
    scenario, environment = run.record["scenario"], run.record["environment"]
    load = {"open": "Open load", BY_HAND: "Load of the locustfile", START: "No load"}.get(
        scenario["kind"], "Closed load"
    )
    users = f", {plural(scenario['users'], 'user')}" if scenario.get("users") and scenario["kind"] != "open" else ""
    if imported.is_imported(run.record):
        origin = f"Imported from {imported.tool(run.record)}, kind of load not known"
        return f"{origin}; started {_time(run.record.get('started'))}; {imported.MACHINE}. One run: no interval."
    machine = f"{plural(environment['cpu_count'], 'core')} ({environment['cpu_model']})"
    return f"{load}{users}; started {_time(run.record.get('started'))}; {machine}. One run: no interval."


def description(run: Run) -> Html:
    """A table of facts, and the settings of a deployment in a fold."""
    if imported.is_imported(run.record):
        return imported_files.files([run])
    facts = pd.DataFrame([*_load(run), *_system(run), *_environment(run)], columns=["", "value"])
    facts = facts.rename(columns={"": "what"})
    settings = run.record["deployment"]["settings"]
    pieces = [table(facts, "System, load and machine")]
    if run.deployment != TARGET and settings:
        rows = [{"setting": name, "value": str(value)} for name, value in settings.items()]
        caption = f"Settings of {run.deployment}"
        pieces.append(folded(f"All {len(rows)} settings of the deployment", table(pd.DataFrame(rows), caption)))
    if run.deployment == TARGET and not (settings.get("url") or _options(run).get("host")):
        pieces.append(prose("The record does not name the target: the user classes have its address."))
    return join(*pieces)


def _is_by_hand(run: Run) -> bool:
    return run.record["scenario"]["kind"] == BY_HAND


def _load(run: Run) -> Iterator[Fact]:
    scenario = run.record["scenario"]
    kind = scenario["kind"]
    yield "scenario", f"{scenario['name']}: {scenario.get('description', '')}".rstrip(": ")
    if kind == START:
        return
    yield "load", _KINDS.get(kind, "closed: a user sends its next request after the previous response")
    yield from _manual_load(run)
    if users := scenario.get("users"):
        yield ("most requests in flight" if kind == "open" else "users"), f"{users:,}"
    if pieces := scenario.get("pieces"):
        yield "rate", "; ".join(map(_piece, pieces))
    think_s = scenario.get("think_s") or (0, 0)
    if kind == "sustained" and any(think_s):
        yield "think time", f"{think_s[0]:g} to {think_s[1]:g} s"
    if scenario.get("duration_s"):
        yield "planned duration", f"{scenario['duration_s']:g} s after {scenario.get('warmup_s') or 0:g} s of warm-up"
    if changed := scenario.get("overridden"):
        yield "changed from the named scenario", ", ".join(_CHANGES.get(name, name) for name in changed)
    yield "load generator", _generator(run)


def _options(run: Run) -> dict:
    """What a Locust that was started manually was started with; empty for others, and in older records."""
    return (run.record.get("generator") or {}).get("locust") or {}


def _manual_load(run: Run) -> Iterator[Fact]:
    options = _options(run)
    if users := options.get("users"):
        rate = options.get("spawn_rate")
        yield "users", f"{users:,}" + (f", {rate:g} more each second" if rate else "")
    if run_time_s := options.get("run_time_s"):
        yield "planned duration", f"{run_time_s:g} s"


_LOADS = {"open": "Open load", BY_HAND: "Load of the locustfile", START: "No load"}
_CHANGES = {"duration_s": "duration", "warmup_s": "warm-up"}
_KINDS = {
    "open": "open: requests are due by a schedule that does not wait for responses",
    BY_HAND: "set by the locustfile and the command line of Locust",
    START: "none",
}


def _piece(piece: Any) -> str:
    duration_s, from_rps, to_rps = piece
    return (
        f"{from_rps:g} a second for {duration_s:g} s"
        if from_rps == to_rps
        else (f"from {from_rps:g} to {to_rps:g} a second within {duration_s:g} s")
    )


def _generator(run: Run) -> str:
    version = (run.record["environment"].get("packages") or {}).get("locust")
    locust = f"Locust {version}" if version else "Locust"
    processes = run.record.get("processes") or 1
    parts = [f"{locust}, {processes} {'process' if processes == 1 else 'processes'}"]
    if locustfile := run.record.get("locustfile"):
        parts.append(f"user classes of {locustfile}")
    if not _is_by_hand(run):
        parts.append(f"seed {run.record.get('seed')}")
    return ", ".join(parts)


def _system(run: Run) -> Iterator[Fact]:
    yield ("target" if run.deployment == TARGET else "deployment"), system(run)
    dataset = run.record["dataset"]
    if run.deployment != TARGET:
        counts: Mapping = dataset.get("counts") or {}
        rows = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        yield "data", f"scale {dataset.get('scale')}" + (f"; rows: {rows}" if rows else "")
        if postgresql := run.record["environment"].get("postgresql"):
            yield "PostgreSQL", postgresql


def _environment(run: Run) -> Iterator[Fact]:
    environment = run.record["environment"]
    machine = (
        f"{plural(environment['cpu_count'], 'core')} ({environment['cpu_model']}), "
        f"{environment['memory_bytes'] / 2**30:.0f} GiB, kernel {environment.get('kernel') or 'unknown'}"
    )
    shared = "; the load generator and the system shared it" if run.deployment != TARGET else ""
    yield "machine of the load generator", machine + shared
    yield "Python", environment.get("python") or "unknown"
    changed = " with changes" if environment.get("dirty") else ""
    yield "commit of the workbench", (environment.get("commit") or "unknown")[:12] + changed
    yield "started", _time(run.record.get("started"))
    yield "ended", _time(run.record.get("ended"))


def _time(text: str | None) -> str:
    return f"{text[:19].replace('T', ' ')} UTC" if text else "not recorded"
