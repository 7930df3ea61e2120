"""Explanations of the time that requests take: saturated resources, and the parts of the growth of the tail."""

from collections.abc import Iterator

from workbench.arms import BASELINE, BURST_25, BURST_50, MAIN_DEPLOYMENTS, SUSTAINED_100, TUNED
from workbench.recording import Experiment, Run

from .. import bottleneck
from ..capacity.bracket import CapacityResult, capacity_results
from . import wording
from .finding import Claim, Finding

KIND = "explanation"


def saturated_resources(experiment: Experiment) -> Iterator[Finding]:
    """The saturated resource of each of the `runs_near_saturation`; the effect is its utilisation."""
    for run in runs_near_saturation(experiment):
        saturation = bottleneck.find_bottleneck(run)
        claim = Claim(
            experiment,
            KIND,
            f"limit-{run.name}",
            f"saturated resource of {run.deployment} under {run.scenario}",
        )
        yield claim.reported(saturation.sentence, [run], effect=saturation.utilisation)


def runs_near_saturation(experiment: Experiment) -> list[Run]:
    """One run of each arm that is explained.

    These are the main deployments under 50 users at once and under 100 with think time, and each capacity search under
    the smallest load that was not sustained.
    """
    arms = [(deployment, scenario) for scenario in (BURST_50, SUSTAINED_100) for deployment in MAIN_DEPLOYMENTS]
    runs = [next(iter(experiment.find(*arm)), None) for arm in arms]
    runs += [run_at_upper_bound(experiment, result) for result in capacity_results(experiment)]
    return [run for run in dict.fromkeys(runs) if run is not None and run.totals is not None]


def run_at_upper_bound(experiment: Experiment, result: CapacityResult) -> Run | None:
    """The first run under the smallest load that was sustained in no block."""
    names = {probe.run for probe in result.probes_at(result.bracket.upper_bound) if probe.sustained is False}
    return next((run for run in experiment.usable if run.name in names), None)


def tail_growth(experiment: Experiment) -> Iterator[Finding]:
    """The parts of the growth of tail latency from 25 to 50 users at once; the effect is its mean (ms)."""
    for deployment in (BASELINE, TUNED):
        growth = bottleneck.tail_growth(experiment, deployment, BURST_25, BURST_50)
        claim = Claim(
            experiment,
            KIND,
            f"growth-{deployment}",
            f"growth of tail latency on {deployment} from {BURST_25} to {BURST_50}",
        )
        text = wording.growth_sentence(deployment, BURST_25, BURST_50, growth).removesuffix(".")
        runs = [run for scenario in (BURST_25, BURST_50) for run in experiment.find(deployment, scenario)]
        mean_ms = None if growth.empty else float((growth["more_ms"] - growth["fewer_ms"]).mean())
        yield claim.reported(text, runs, effect=mean_ms)
