"""Values that the page's sentences and figures are made of: no claims, so without a verdict."""

from collections.abc import Iterator
from itertools import pairwise

from workbench.arms import BASELINE, BURST_25, BURST_50, MAIN_DEPLOYMENTS, SINGLE, SUSTAINED_100, TUNED, WITHOUT
from workbench.recording import Experiment, Run

from .. import ablation
from ..metrics import arm_estimates, arm_metrics
from ..queueing import service_ms
from ..stats.confidence import LEVEL, Estimate
from ..waterfall import waterfall
from .finding import REPORTED, Claim, Finding
from .wording import counted

KIND = "measurement"
ONE_WORKER = f"{TUNED}{WITHOUT}workers"  # the work of tuned on the one worker of as-measured
LADDER = (BASELINE, ONE_WORKER, TUNED)  # each a measured set-up; from one to the next is a step
BURSTS = (BURST_25, BURST_50)


def findings(experiment: Experiment) -> Iterator[Finding]:
    """The values of every arm that the page names, then those of pairs of arms."""
    for scenario in BURSTS:
        for deployment in _deployments(experiment, scenario):
            yield _estimated(experiment, f"duration-{scenario}-{deployment}", "duration (s)", deployment, scenario,
                             arm_estimates.duration_s(experiment, deployment, scenario))  # fmt: skip
    for deployment in MAIN_DEPLOYMENTS:
        yield from _of_bursts(experiment, deployment)
        yield from _of_users(experiment, deployment)
        yield from _work(experiment, deployment)
    yield from _steps(experiment)
    yield from _parts(experiment)


def _deployments(experiment: Experiment, scenario: str) -> list[str]:
    return sorted({run.deployment for run in experiment.usable if run.scenario == scenario})


def _estimated(
    experiment: Experiment, name: str, metric: str, deployment: str, scenario: str, estimate: Estimate | None
) -> Finding:
    claim = Claim(experiment, KIND, name, f"{metric} of {deployment} under {scenario}")
    runs = experiment.find(deployment, scenario)
    if estimate is None:
        return claim.not_run(deployment, scenario)
    text = f"{estimate.value:,.4g}, {counted(estimate.blocks, 'block')}"
    return claim.reported(text, runs, effect=estimate.value, interval=estimate.interval, level=estimate.level)


def _of_bursts(experiment: Experiment, deployment: str) -> Iterator[Finding]:
    runs = experiment.find(deployment, BURST_50)
    if not runs:
        return
    success = arm_estimates.success_ratio(experiment, deployment, BURST_50)
    yield _estimated(experiment, f"success-{BURST_50}-{deployment}", "successful responses", deployment, BURST_50,
                     success)  # fmt: skip
    yield _total(experiment, f"requests-{BURST_50}-{deployment}", "requests", runs, "requests")
    yield _total(experiment, f"successes-{BURST_50}-{deployment}", "successful responses", runs, "successful")
    settings = runs[0].record["deployment"]["settings"]
    memory_bytes = max((size for run in runs if (size := arm_metrics.peak_memory_bytes(run))), default=None)
    peak = max((count for run in runs if (count := arm_metrics.peak_connections(run)) is not None), default=None)
    values = {
        "memory_mib": ("peak memory of the server (MiB, PSS)", memory_bytes and memory_bytes / 2**20),
        "connections": ("peak number of connections", peak),
        "connections_allowed": (
            "connections that the pools of all workers may open",
            settings["workers"] * (settings["pool_size"] + settings["pool_max_overflow"]),
        ),
        "busiest_worker": (
            "share of the requests of the busiest worker",
            arm_metrics.busiest_worker_share(experiment, deployment, BURST_50),
        ),
    }
    for name, (text, value) in values.items():
        claim = Claim(experiment, KIND, f"{name}-{BURST_50}-{deployment}", f"{text}, {deployment} under {BURST_50}")
        yield claim.reported(f"{value:,.4g}" if value is not None else "not read", runs, effect=value)


def _total(experiment: Experiment, name: str, text: str, runs: list[Run], column: str) -> Finding:
    """The sum of a column over the runs of an arm."""
    names = {run.name for run in runs}
    total = float(experiment.by_run.loc[experiment.by_run["run"].isin(names), column].sum())
    claim = Claim(experiment, KIND, name, f"{text} of {runs[0].deployment} under {runs[0].scenario}, all runs")
    return claim.reported(f"{total:,.0f}", runs, effect=total)


def _of_users(experiment: Experiment, deployment: str) -> Iterator[Finding]:
    """Users with think time: how long they wait."""
    runs = experiment.find(deployment, SUSTAINED_100)
    if not runs:
        return
    mean_ms = arm_metrics.mean_ms(experiment, deployment, SUSTAINED_100)
    claim = Claim(experiment, KIND, f"mean-{SUSTAINED_100}-{deployment}", f"mean latency (ms), {deployment} under "
                  f"{SUSTAINED_100}")  # fmt: skip
    yield claim.reported(f"{mean_ms:,.1f} ms" if mean_ms is not None else "no success", runs, effect=mean_ms)
    yield _estimated(experiment, f"reads_p95-{SUSTAINED_100}-{deployment}", "p95 of reads (ms)", deployment,
                     SUSTAINED_100, arm_estimates.reads_p95_ms(experiment, deployment, SUSTAINED_100))  # fmt: skip


def _work(experiment: Experiment, deployment: str) -> Iterator[Finding]:
    """The time that the three requests of a user take when no other request is there."""
    unloaded_ms = service_ms(experiment, deployment)
    runs = experiment.find(deployment, SINGLE)
    if runs and unloaded_ms:
        total_ms = sum(unloaded_ms.values())
        text = ", ".join(f"{endpoint} {mean_ms:,.1f} ms" for endpoint, mean_ms in unloaded_ms.items())
        claim = Claim(experiment, KIND, f"work-{deployment}", f"one pass of one user alone (ms), {deployment}")
        yield claim.reported(text, runs, effect=total_ms)


def _steps(experiment: Experiment) -> Iterator[Finding]:
    """What the duration of a burst is divided by, from each rung of the ladder to the next, and over all of them."""
    for before, after in (*pairwise(LADDER), (LADDER[0], LADDER[-1])):
        effect = ablation.duration_effect(experiment, before, after, BURST_50)
        name = f"step-{before}-to-{after}"
        claim = Claim(experiment, KIND, name, f"duration of {before} / duration of {after}, {BURST_50}")
        runs = [*experiment.find(before, BURST_50), *experiment.find(after, BURST_50)]
        if effect is None:
            yield claim.not_run(after, BURST_50)
            continue
        ends = (1 / effect.interval[1], 1 / effect.interval[0]) if effect.interval else None
        yield claim.finding(REPORTED, f"{1 / effect.ratio:,.2f}", runs, effect=1 / effect.ratio, interval=ends,
                            level=effect.level, n=effect.blocks)  # fmt: skip


def _parts(experiment: Experiment) -> Iterator[Finding]:
    """The change of the mean time of a request in each part, from as-measured to tuned."""
    changes = waterfall(experiment, BASELINE, TUNED, BURST_50)
    runs = [*experiment.find(BASELINE, BURST_50), *experiment.find(TUNED, BURST_50)]
    for part, change in changes.items():
        claim = Claim(experiment, KIND, f"part-{part}", f"mean {part} (ms), {TUNED} less {BASELINE}")
        text = f"{change.before_ms:,.1f} ms before, {change.after_ms:,.1f} ms after"
        yield claim.finding(REPORTED, text, runs, effect=change.change_ms, interval=change.interval, level=LEVEL,
                            n=change.blocks)  # fmt: skip
