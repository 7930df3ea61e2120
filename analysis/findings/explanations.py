"""Why a load took as long as it did, and how much a deployment holds: sentences with what they rest on."""

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.recording import Experiment, Run

from .. import bottleneck
from ..ablation import BASE, BURST, MAIN, OURS
from ..capacity import bracket as capacity
from ..capacity import predictions as foretold
from . import wording

FEWER, SUSTAINED = "burst-25", "sustained-100"


@dataclass(frozen=True)
class Cause:
    """What is told: the question, the answer as a sentence, the figure in it (None: there is none), and its runs."""

    id: str
    question: str
    sentence: str
    figure: float | None
    runs: tuple[Run, ...]
    interval: tuple[float, float] | None = None
    holds: bool | None = None  # of what was foretold: whether it came true


def limited(experiment: Experiment) -> list[Run]:
    """The runs that show a limit: of the main deployments under the published burst and under users who think, and of
    each search for capacity one under the smallest load that did not hold."""
    arms = [(name, scenario) for scenario in (BURST, SUSTAINED) for name in (BASE, *MAIN)]
    runs = [next(iter(experiment.find(*arm)), None) for arm in arms]
    runs += [refuted(experiment, found) for found in capacity.found(experiment)]
    return [run for run in dict.fromkeys(runs) if run is not None and run.totals is not None]


def refuted(experiment: Experiment, found: capacity.Found) -> Run | None:
    """The first run of the smallest load that did not hold."""
    names = {probe.run for probe in found.at(found.bracket.refuted) if probe.met is False}
    return next((run for run in experiment.usable if run.name in names), None)


def limits(experiment: Experiment) -> Iterator[Cause]:
    """What was at its limit in each of the runs that show one."""
    for run in limited(experiment):
        limit = bottleneck.limit(run)
        yield Cause(
            id=f"limit-{run.name}",
            question=f"what limited {run.deployment} under {run.scenario}",
            sentence=limit.sentence,
            figure=limit.utilisation,
            runs=(run,),
        )


def growth(experiment: Experiment) -> Iterator[Cause]:
    """What the growth of the tail from 25 to 50 users at once is made of."""
    for deployment in (BASE, OURS):
        grown = bottleneck.growth(experiment, deployment, FEWER, BURST)
        yield Cause(
            id=f"growth-{deployment}",
            question=f"what the tail of latency on {deployment} grows by from {FEWER} to {BURST}",
            sentence=wording.of_growth(deployment, FEWER, BURST, grown).removesuffix("."),
            figure=None if grown.empty else float((grown["more_ms"] - grown["fewer_ms"]).mean()),
            runs=(*experiment.find(deployment, FEWER), *experiment.find(deployment, BURST)),
        )


def capacities(experiment: Experiment) -> Iterator[Cause]:
    """How much each deployment holds that was searched for it."""
    for found in capacity.found(experiment):
        names, bracket = {probe.run for probe in found.probes}, found.bracket
        certified, broken = (
            "none that was tried" if end is None else f"{end:,.0f}" for end in (bracket.certified, bracket.refuted)
        )
        both = bracket.certified is not None and bracket.refuted is not None
        yield Cause(
            id=f"capacity-{found.deployment}-{found.family}",
            question=f"how many {capacity.UNITS[found.family]} {found.deployment} holds",
            sentence=f"with p95 of every endpoint below {found.p95_ms:g} ms and no failure it held {certified}; the "
            f"smallest load that did not hold: {broken}",
            figure=0.0 if bracket.certified is None and bracket.refuted is not None else bracket.certified,
            runs=tuple(run for run in experiment.usable if run.name in names),
            interval=(bracket.certified, bracket.refuted) if both else None,
        )


def predictions(experiment: Experiment) -> Iterator[Cause]:
    """What was foretold of capacities, and whether it lies in what was found."""
    for outcome in foretold.outcomes(experiment):
        found = outcome.found
        ends = "–".join(f"{end:,.0f}" if end else "?" for end in (found.bracket.certified, found.bracket.refuted))
        yield Cause(
            id=f"foretold-{found.deployment}-{found.family}",
            question=f"{found.deployment} holds {outcome.capacity:,.0f} {capacity.UNITS[found.family]}, as foretold",
            sentence=f"measured {ends}, foretold from {outcome.base}",
            figure=outcome.capacity,
            runs=tuple(point.run for point in outcome.points),
            holds=outcome.is_within if outcome.errors else None,
        )
