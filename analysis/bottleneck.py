"""Why requests take as long as they do: which part of the time grows, and which resource is at its limit.

Resources are judged as in the USE method (Gregg 2013): how much of it was in use, how much had to wait for it, and what
went wrong. Waiting is counted in requests: the time that all of them waited over the time of the load is how many
waited on the average (Little 1961).
"""

from dataclasses import dataclass

import pandas as pd

from workbench import validity
from workbench.aggregates import SPLIT
from workbench.recording import Experiment, Run, arm

from .metrics import cpu_metrics

BUSY, WAITING = 0.85, 0.5  # from here on a resource counts as used up, and as waited for
MACHINE = "machine"  # the role of readings that are of all processes
MS_OF_S, US_OF_S, NS_OF_S = 1e3, 1e6, 1e9
# From the inside out: who waits inside keeps what is around it busy.
INNERMOST_FIRST = ("CPU", "database", "pool", "worker")


@dataclass(frozen=True)
class Use:
    """One resource during the measured part of a run; None is not measured.

    `utilisation` is a share of all that there is of it, `waiting` how many requests (of the CPU: the share of the time
    in which anything) waited for it, `errors` how many could not have it.
    """

    resource: str
    utilisation: float | None
    waiting: float | None
    errors: int | None
    of: str

    @property
    def is_exhausted(self) -> bool:
        """Whether it is used up, and waited for where that was measured."""
        return (self.utilisation or 0.0) >= BUSY and (self.waiting is None or self.waiting >= WAITING)


@dataclass(frozen=True)
class Limit:
    """What limited a run: the resource (None: nothing was at its limit), the sentence that says so, and the use of that
    resource, or of the busiest."""

    resource: str | None
    sentence: str
    utilisation: float | None = None


def use(run: Run) -> list[Use]:
    """The resources of a run that measured anything, from the outermost (the load generator) to the innermost."""
    return [_generator(run), _worker(run), _pool(run), _database(run), _cpu(run)]


def limit(run: Run) -> Limit:
    """The innermost exhausted resource of a run, with its evidence."""
    by_name = {of.resource: of for of in use(run)}
    generator, cpu = by_name["load generator"], by_name["CPU"]
    if (generator.utilisation or 0.0) >= validity.GENERATOR_CPU.threshold:
        text = (
            f"the load generator took {generator.utilisation:.0%} of a core: it, and not the system, was at its limit"
        )
        return Limit("load generator", text, generator.utilisation)
    found = next((by_name[name] for name in INNERMOST_FIRST if _gave_out(by_name, name)), None)
    if found is None:
        return _none(by_name)
    beside = "" if found is cpu or cpu.utilisation is None else f", while of the CPU {cpu.utilisation:.1%} was in use"
    return Limit(found.resource, f"the limit was the {found.resource}: {_told(found)}{beside}", found.utilisation)


def _gave_out(by_name, name):
    """Whether a resource is at its limit. The database is so too where its sessions wait for each other, or the disk,
    and those who would ask it wait for them."""
    held_up = (by_name["database"].waiting or 0.0) >= WAITING and by_name["pool"].is_exhausted
    return by_name[name].is_exhausted or (name == "database" and held_up)


def _none(by_name):
    known = [of for of in by_name.values() if of.utilisation is not None]
    blind = [of.resource for of in by_name.values() if of.utilisation is None]
    beside = f"; not measured: {', '.join(blind)}" if blind else ""
    if not known:
        return Limit(None, f"what was at its limit cannot be told{beside}")
    busiest = max(known, key=lambda of: of.utilisation)
    text = f"nothing reached its limit ({BUSY:.1%} in use, and waited for); the busiest was the {busiest.resource}: "
    return Limit(None, f"{text}{_told(busiest)}{beside}", busiest.utilisation)


def _told(of: Use) -> str:
    text = f"{of.of}, {of.utilisation:.1%} in use"
    if of.waiting is None:
        return f"{text} (whether anything waited for it was not measured)"
    if of.resource == "CPU":
        return f"{text}, with something waiting for it {of.waiting:.0%} of the time"
    return f"{text}, with {of.waiting:.1f} requests waiting for it on the average"


def _generator(run):
    gates = {gate["name"]: gate["value"] for gate in run.record.get("gates", [])}
    own = gates.get(validity.OWN_FAILURES.name)
    share = gates.get(validity.GENERATOR_CPU.name)
    return Use("load generator", share, None, None if own is None else int(own), "one core of each process")


def _worker(run):
    """A worker or a thread of one is in use from a request's entry to its answer."""
    settings, totals = run.record["deployment"]["settings"], run.totals
    workers = settings["workers"]
    if settings["server"] == "gevent":  # a loop takes as many requests as come, but computes for one at a time
        share = _cpu_share(run, "server", min(workers, run.record["environment"]["cpu_count"]))
        of = f"the loops of {workers} workers, each at most a core"
    elif settings["server"] == "gthread":
        share = _share(totals["application_ms"], MS_OF_S * workers * settings["threads"] * totals["makespan_s"])
        of = f"{settings['threads']} threads in each of {workers} workers"
    else:
        share = _share(totals["application_ms"], MS_OF_S * workers * totals["makespan_s"])
        of = f"workers, one request at a time in each of {workers}"
    return Use(
        "worker",
        share,
        _share(totals["queue_ms"], MS_OF_S * totals["makespan_s"]),
        None if run.lacks("status") else int(totals["unanswered"]),
        of,
    )


def _pool(run):
    """Each worker has its own, and nothing sees to it that they get as many requests: the busiest is the limit."""
    readings = _during(run, run.pool)
    if len(readings) < 2:
        return Use("pool", None, None, None, "the pool's connections")
    last, first = (readings.groupby("worker").nth(place).set_index("worker") for place in (-1, 0))
    grown = (last - first)[["use_ns", "wait_ns", "timeouts"]]
    time_s, timeouts = (readings["at_us"].max() - readings["at_us"].min()) / US_OF_S, int(grown["timeouts"].sum())
    if not last["limit"].all():
        return Use("pool", None, None, timeouts, "no pool: a connection for each use")
    used = (grown["use_ns"] / (NS_OF_S * time_s * last["limit"])).astype(float)
    allowed = int(last["limit"][used.idxmax()])
    whose = "that it may open" if len(used) == 1 else f"of the busiest of {len(used)} workers"
    of = f"{allowed} connection{'s' if allowed != 1 else ''} {whose}"
    return Use("pool", float(used.max()), _share(grown["wait_ns"].sum(), NS_OF_S * time_s), timeouts, of)


def _database(run):
    """Its CPU of the machine's; waiting are its sessions that wait for a lock, the disk or each other."""
    activity = _during(run, run.database[run.database["source"] == "activity"])
    waits = activity["metric"].str.split(":").str[0]
    waiting = activity[(activity["name"] == "active") & ~waits.isin(["none", "Client", "Activity", "Timeout"])]
    readings = _readings(run, activity)
    lost = run.record.get("database_lost")
    cores = run.record["environment"]["cpu_count"]
    return Use(
        "database",
        _cpu_share(run, "database", cores),
        float(waiting["value"].sum() / readings) if readings else None,
        None if lost is None else int(lost),
        f"PostgreSQL, of {cores} cores",
    )


def _readings(run, activity):
    """How many there were: one without a connection has no row, but those of the processes are as many."""
    return max(activity["at_us"].nunique(), _during(run, run.process)["at_us"].nunique())


def _cpu(run):
    """All that we started, of all cores."""
    cores = run.record["environment"]["cpu_count"]
    roles = [role for role in run.process["role"].unique() if role != MACHINE]
    shares = [share for role in roles if (share := _cpu_share(run, role, cores)) is not None]
    return Use("CPU", sum(shares) if shares else None, _stalled_share(run), None, f"{cores} cores")


def _cpu_share(run, role, cores):
    """From the first send to the last answer, warm-up included: what was spent is known between two readings only."""
    return _share(cpu_metrics.cpu_ms(run, role), cores * (run.totals["last_ms"] - run.totals["first_ms"]))


def _stalled_share(run):
    """The share of the time in which something waited for a core, by the kernel's own count; None without readings."""
    if "stalled_us" not in run.process:
        return None
    readings = _during(run, run.process[run.process["role"] == MACHINE])
    if len(readings) < 2:
        return None
    grown = readings[["at_us", "stalled_us"]].iloc[-1] - readings[["at_us", "stalled_us"]].iloc[0]
    return float(grown["stalled_us"] / grown["at_us"])


def _span_us(run):
    began_us = MS_OF_S * run.totals["measured_start_ms"]
    return began_us, began_us + US_OF_S * run.totals["makespan_s"]


def _during(run, readings):
    return readings[readings["at_us"].between(*_span_us(run))].sort_values("at_us")


def _share(part, whole):
    return None if part is None or pd.isna(part) or not whole else float(part / whole)


def growth(experiment: Experiment, deployment: str, fewer: str, more: str) -> pd.DataFrame:
    """By endpoint, by how much each part of the time grew in the tail from one load of a deployment to a larger one.

    Columns: `fewer_ms`, `more_ms` (mean latency of the requests between their 90th and 99th percentile, means over the
    runs), `fewer`, `more` (how many requests those are, over all runs), and the growth of each part, ms, which adds up
    to the growth of both. A percentile itself cannot be taken apart, as it is one request; the mean of the band around
    p95 can. Empty where one of the loads was not run.
    """
    names = ["latency_ms", *(f"{part}_ms" for part in SPLIT)]
    of_endpoints = [arm(experiment.tail, deployment, scenario).groupby("endpoint") for scenario in (fewer, more)]
    sides = [of[names].mean() for of in of_endpoints]
    if sides[0].empty or sides[1].empty:
        return pd.DataFrame(columns=["fewer_ms", "more_ms", "fewer", "more", *SPLIT])
    grown = sides[1] - sides[0]
    parts = grown.drop(columns="latency_ms").rename(columns=lambda name: name.removesuffix("_ms"))
    latencies = [side["latency_ms"].rename(name) for side, name in zip(sides, ("fewer_ms", "more_ms"), strict=True)]
    counts = [of["requests"].sum().rename(name) for of, name in zip(of_endpoints, ("fewer", "more"), strict=True)]
    return pd.concat([*latencies, *counts, parts], axis=1)


def waits(run: Run) -> pd.DataFrame:
    """What the server's active sessions waited for: `wait`, and how many `sessions` did on the average, most first.

    `CPU or nothing` are those that PostgreSQL has no name for: they compute, or wait for a core.
    """
    activity = _during(run, run.database[run.database["source"] == "activity"])
    active = activity[activity["name"] == "active"]
    if activity.empty:
        return pd.DataFrame(columns=["wait", "sessions"])
    mean = active.groupby("metric")["value"].sum() / _readings(run, activity)
    named = mean.rename(index={"none": "CPU or nothing"}).sort_values(ascending=False)
    return named.rename("sessions").rename_axis("wait").reset_index()


def statements(run: Run, most: int = 5) -> pd.DataFrame:
    """The statements on which the server spent most: `statement`, `calls`, `total_ms`, `mean_ms`, `share` of all."""
    deltas = run.database[run.database["source"] == "statement"]
    table = deltas.pivot_table("value", "name", "metric", aggfunc="sum")
    if not {"calls", "total_ms"} <= set(table.columns):
        return pd.DataFrame(columns=["statement", "calls", "total_ms", "mean_ms", "share"])
    table = table.assign(mean_ms=table["total_ms"] / table["calls"], share=table["total_ms"] / table["total_ms"].sum())
    top = table.sort_values("total_ms", ascending=False).head(most).rename_axis("statement").reset_index()
    return top[["statement", "calls", "total_ms", "mean_ms", "share"]]
