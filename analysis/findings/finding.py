"""Findings: claims with the verdict that an experiment gives them, in the one file that all views show."""

import json
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path

from workbench.errors import UserError
from workbench.recording import Experiment

from .. import ablation
from ..metrics import published_report
from ..stats.confidence import LEVEL
from . import explanations, objectives, published_claims, published_setup, wording
from .checklist import CHECKS

KINDS = {
    "checklist": "a line of the published checklist",
    "figure": "a published figure, held against ours of the same set-up",
    "declared": "what the published report says of its set-up, and whom it suits",
    "objective": "ours; one that fails fails the gate",
    "effect": "what a change is worth",
    "cause": "why a load took as long as it did",
    "capacity": "how much a deployment holds",
    "prediction": "whether what was foretold came true",
}


@dataclass(frozen=True)
class Finding:
    """One claim. `effect` is the figure that decided it, `bound` what it was held against; `interval` stays empty
    below four blocks. Of a published figure `effect` is the ratio of ours to it, of an effect that of the figure with
    the change to the one without it, of a capacity the largest load that held, with the bracket as the interval. Of
    effects `n` counts blocks, otherwise runs."""

    id: str
    kind: str  # of KINDS
    claim: str
    verdict: str
    evidence: str
    effect: float | None
    n: int
    runs: tuple[str, ...]
    command: str
    interval: tuple[float, float] | None = None
    level: float | None = None
    bound: float | None = None


def judge(experiment: Experiment) -> list[Finding]:
    """All findings of an experiment: the checklist, the figures and what is declared in their published order,
    objectives, effects, causes, capacities and predictions."""
    _ = experiment.by_run  # of all runs at once: each would ask for its own otherwise
    rows = published_report.load("checklist").itertuples()
    findings = [_finding(experiment, row.id, "checklist", row.claim, CHECKS[row.id](experiment)) for row in rows]
    findings += [_claim(experiment, claim) for claim in published_claims.claims(experiment)]
    findings += [
        _finding(experiment, of.id, "declared", of.claim, of.judge(experiment)) for of in published_setup.declared()
    ]
    for objective in objectives.load():
        findings.append(_finding(experiment, objective.id, "objective", objective.claim, objective.judge(experiment)))
    for worth in chain.from_iterable(ablation.tables(experiment).values()):
        findings += [_effect(experiment, worth, *pair) for pair in zip(worth.changes, worth.effects, strict=True)]
    told = {
        "cause": [*explanations.limits(experiment), *explanations.growth(experiment)],
        "capacity": explanations.capacities(experiment),
        "prediction": explanations.predictions(experiment),
    }
    return findings + [_cause(experiment, kind, cause) for kind, all_ in told.items() for cause in all_]


def write(findings: list[Finding], experiment: Experiment, path: Path) -> None:
    """Write `findings.json`: the one file of which the page, the summary and the JUnit report are views."""
    content = {"experiment": experiment.name, "findings": [asdict(finding) for finding in findings]}
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half")
    half.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    half.replace(path)


def read(path: Path) -> tuple[str, list[Finding]]:
    """The experiment's id and the findings of a `findings.json`."""
    try:
        content = json.loads(path.read_text())
        return content["experiment"], [_read(finding) for finding in content["findings"]]
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path} holds no findings; run make render") from None


def _read(stored):
    """A finding as it was before JSON made lists of its tuples."""
    finding = Finding(**stored)
    interval = finding.interval and tuple(finding.interval)
    return replace(finding, runs=tuple(finding.runs), interval=interval)


def _finding(experiment, name, kind, claim, judgement):
    verdict = "not measured" if judgement.passed is None else "pass" if judgement.passed else "fail"
    return Finding(
        id=name,
        kind=kind,
        claim=claim,
        verdict=verdict,
        evidence=judgement.evidence,
        effect=judgement.effect,
        n=len(judgement.runs),
        runs=tuple(run.name for run in judgement.runs),
        command=_command(experiment, judgement.runs),
        bound=judgement.bound,
        interval=judgement.interval,
        level=LEVEL if judgement.interval else None,
    )


def _claim(experiment, claim):
    ratio, runs = claim.ratio, claim.runs(experiment)
    return Finding(
        id=claim.id,
        kind="figure",
        claim=claim.text,
        verdict=claim.verdict,
        evidence=claim.evidence,
        effect=ratio and ratio.value,
        n=len(runs),
        runs=tuple(run.name for run in runs),
        command=_command(experiment, runs),
        interval=ratio and ratio.interval,
        level=ratio.level if ratio and ratio.interval else None,
        bound=float(claim.stated),
    )


def _effect(experiment, worth, change, effect):
    figure, scenario = worth.figure, worth.scenario
    runs = [run for side in (change.before, change.after) for run in experiment.find(side, scenario)]
    evidence = f"{wording.ratio_with_interval(effect)} of {change.before}"
    if effect.p_holm is not None:
        evidence += f", p {effect.p_holm:.4f} after Holm's correction"
    return Finding(
        id=f"{scenario}-{change.before}-to-{change.after}-{figure.column}",
        kind="effect",
        claim=f"{figure.name} under {scenario}: {change.after} in the place of {change.before}",
        verdict=effect.verdict,
        evidence=evidence,
        effect=effect.ratio,
        n=effect.blocks,
        runs=tuple(run.name for run in runs),
        command=_command(experiment, runs),
        interval=effect.interval,
        level=effect.level if effect.interval else None,
    )


def _cause(experiment, kind, cause):
    told = "told" if kind != "prediction" else {None: "undecided", True: "pass", False: "fail"}[cause.holds]
    return Finding(
        id=cause.id,
        kind=kind,
        claim=cause.question,
        verdict=told if cause.runs and cause.figure is not None else "not measured",
        evidence=cause.sentence,
        effect=cause.figure,
        n=len(cause.runs),
        runs=tuple(run.name for run in cause.runs),
        command=_command(experiment, cause.runs),
        interval=cause.interval,
    )


def _command(experiment, runs):
    """What makes such runs again."""
    scale = experiment.record["scale"]
    arms = dict.fromkeys((run.deployment, run.scenario) for run in runs)
    return "; ".join(f"python -m loadgen run --deployment {d} --scenario {s} --scale {scale}" for d, s in arms)
