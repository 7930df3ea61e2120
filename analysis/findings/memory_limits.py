"""The memory of set-ups: whether the published one ran out of it, what each part costs, and what fits into a limit."""

from collections.abc import Iterator, Sequence

from workbench.arms import BURST_50, CONSTRAINED_GEVENT, CONSTRAINED_GEVENT_1_GIB
from workbench.recording import Experiment, Run

from ..capacity.memory_budget import (
    LIMITS_MIB,
    MIB,
    MemoryCosts,
    calibrate,
    connections_of,
    hashes_in_flight,
    mean_costs,
)
from ..capacity.memory_predictions import PredictedMemory, predicted_memory
from . import published_report
from .finding import DO_NOT_FOLLOW, FAIL, FOLLOW, PASS, Claim, Finding
from .wording import counted

MAX_ERROR = 0.15  # of a predicted peak that counts as right
RECOMMENDED_MIB = 4096


def published_claims(experiment: Experiment) -> Iterator[Finding]:
    """The published statement about memory, tested under a limit that is an assumption: the report names none."""
    for row in published_report.rows("memory"):
        text = f"{row.environment}: {counted(row.workers, f'{row.kind} worker')} @ {row.worker_connections}"
        claim = Claim(experiment, "published-setup", f"memory-{row.kind}-{row.workers}", f"{text}: {row.outcome}")
        runs = experiment.find(CONSTRAINED_GEVENT, BURST_50)
        if not runs:
            yield claim.not_run(CONSTRAINED_GEVENT, BURST_50)
            continue
        yield claim.pass_if(all(map(ran_out, runs)), _outcome(runs), runs, effect=float(sum(map(_kills, runs))))


def ran_out(run: Run) -> bool:
    """True if a process was ended for want of memory; without a limit in force, if the PSS was larger than it."""
    memory = run.record.get("memory") or {}
    started = (run.record.get("outcome") or {}).get("started", True)
    return bool(memory.get("oom_kills") or memory.get("over_limit") or not started)


def _kills(run: Run) -> int:
    return (run.record.get("memory") or {}).get("oom_kills") or 0


def _outcome(runs: Sequence[Run]) -> str:
    """What happened under the limit of these runs: processes ended, first at which load, and responses."""
    memory = [run.record["memory"] for run in runs]
    limit = f"under {memory[0]['limit_mib']} MiB"
    if not all(each["enforced"] for each in memory):
        peaks = [each["peak_pss_bytes"] / MIB for each in memory if each.get("peak_pss_bytes")]
        return f"{limit}, not enforced on this machine: the largest PSS was {max(peaks, default=0):,.0f} MiB"
    totals = [run.totals for run in runs if run.totals is not None]
    requests, successful = (sum(int(total[name]) for total in totals) for name in ("requests", "successful"))
    answered = f"{successful} of {requests} responses were successful"
    first = next((kill for each in memory for kill in each["kills"]), None)
    if first is None:
        return f"{limit} no process was ended; {answered}"
    load = f", the first with {first['in_flight']} requests in flight" if "in_flight" in first else ""
    ended = counted(sum(each["oom_kills"] for each in memory), "process").replace("processs", "processes")
    return f"{limit} the kernel ended {ended} in {counted(len(runs), 'run')}{load}; {answered}"


def enough_memory(claim: Claim) -> Finding:
    """The advice of 4 GB: not to follow where the advised workers fit into a quarter of it."""
    runs = claim.experiment.find(CONSTRAINED_GEVENT_1_GIB, BURST_50)
    if not runs:
        return claim.not_run(CONSTRAINED_GEVENT_1_GIB, BURST_50)
    key = "peak_bytes" if all(run.record["memory"].get("enforced") for run in runs) else "peak_pss_bytes"
    peaks = [run.record["memory"][key] / MIB for run in runs if run.record["memory"].get(key)]
    if not peaks:
        return claim.not_measured("the memory was not read", runs)
    mark = "" if key == "peak_bytes" else " (PSS; the limit is not enforced on this machine)"
    fewer = claim.experiment.find(CONSTRAINED_GEVENT, BURST_50)
    evidence = f"8 gevent workers need at most {max(peaks):,.0f} MiB{mark}, and not {RECOMMENDED_MIB:,}"
    evidence += f"; {_outcome(fewer)}" if fewer else ""
    verdict = FOLLOW if any(map(ran_out, runs)) else DO_NOT_FOLLOW
    return claim.finding(verdict, evidence, [*runs, *fewer], effect=max(peaks), bound=float(RECOMMENDED_MIB))


def costs(experiment: Experiment) -> Iterator[Finding]:
    """What each part of a set-up costs, and how many workers fit into each limit, where a limit was tried."""
    if not any((run.record.get("memory") or {}).get("limit_mib") for run in experiment.usable):
        return
    for deployment in sorted({run.deployment for run in experiment.usable}):
        runs = [run for run in experiment.find(deployment, BURST_50) if calibrate(run)]
        shared_costs = mean_costs([each for run in runs if (each := calibrate(run))])
        if shared_costs and "hash_bytes" in runs[0].record["memory"]:
            yield from _of_deployment(experiment, deployment, runs, shared_costs)


def _of_deployment(
    experiment: Experiment, deployment: str, runs: Sequence[Run], costs: MemoryCosts
) -> Iterator[Finding]:
    settings, hash_bytes = runs[0].record["deployment"]["settings"], runs[0].record["memory"]["hash_bytes"]
    hashes, connections = hashes_in_flight(settings), connections_of(settings)
    values = {
        "master": ("the master process (MiB)", costs.master / MIB),
        "worker": ("a worker that is ready (MiB)", costs.worker / MIB),
        "growth": ("what a worker grows by under load (MiB)", costs.growth / MIB),
        "hash": ("a password hash in flight (MiB)", hash_bytes / MIB),
        "hashes": ("hashes in flight in a worker, at most", float(hashes)),
        "connection": ("an open connection and its requests (KiB)", costs.connection / 1024),
    }
    for name, (text, value) in values.items():
        claim = Claim(experiment, "measurement", f"memory-{name}-{deployment}", f"memory of {text}, {deployment}")
        yield claim.reported(f"{value:,.1f}", runs, effect=value)
    for limit_mib in LIMITS_MIB:
        workers = costs.workers_in(limit_mib * MIB, hashes, hash_bytes, connections)
        text = f"workers of {deployment} that fit into {limit_mib} MiB, each with {connections} connections, predicted"
        claim = Claim(experiment, "measurement", f"workers-in-{limit_mib}-mib-{deployment}", text)
        yield claim.reported(f"{workers}", runs, effect=float(workers))


def predictions(experiment: Experiment) -> Iterator[Finding]:
    """The peak of each set-up under a limit, predicted before its runs: right if it fits as predicted."""
    by_deployment: dict[str, list[PredictedMemory]] = {}
    for predicted in predicted_memory(experiment):
        by_deployment.setdefault(predicted.run.deployment, []).append(predicted)
    for deployment, runs in sorted(by_deployment.items()):
        yield _prediction(experiment, deployment, runs)


def _prediction(experiment: Experiment, deployment: str, predicted: Sequence[PredictedMemory]) -> Finding:
    limit_mib, first = predicted[0].prediction.limit_mib, predicted[0].prediction
    fits = f"fits into {limit_mib} MiB, and its peak is within {MAX_ERROR:.0%} of the prediction"
    text = f"{deployment} {fits if first.fits else f'does not fit into {limit_mib} MiB, as predicted'}"
    claim = Claim(experiment, "prediction", f"memory-prediction-{deployment}", text)
    is_right = all(each.prediction.fits == each.has_fitted and abs(each.error or 0) <= MAX_ERROR for each in predicted)
    peak_mib = first.peak_bytes / MIB
    evidence = f"predicted from {first.base}: {peak_mib:,.0f} MiB; measured: {_measured(predicted)}"
    runs = [each.run for each in predicted]
    return claim.finding(PASS if is_right else FAIL, evidence, runs, effect=peak_mib, bound=float(limit_mib))


def _measured(predicted: Sequence[PredictedMemory]) -> str:
    """The measured peaks with the errors of the prediction, or that memory ran out."""
    texts = (
        f"{each.measured_bytes / MIB:,.0f} MiB (error {each.error:+.0%})"
        if each.measured_bytes and each.error is not None
        else "out of memory"
        for each in predicted
    )
    return ", ".join(texts)
