"""Missed objectives and aims: the distance from them, the CPU time of the burst, and changes that would help."""

import math

from analysis.findings.finding import FAIL, Finding
from analysis.findings.objectives import missed_aim
from analysis.metrics import cpu_metrics
from workbench.arms import BURST_50, TUNED

from ..markup import Html
from .comparison import Report, plural, prose, ratio, settings_of
from .loads import ROLES

FLOOR_RATIO = "tuned-floor"  # id of the objective on the duration over the CPU lower bound


def missed_objectives(report: Report) -> list[Html]:
    """A paragraph for each objective that has a value, and failed or is short of its aim."""
    return [
        prose(_paragraph(report, finding, finding.effect))
        for finding in report.of_kind("objective")
        if finding.effect is not None and (finding.verdict == FAIL or missed_aim(finding))
    ]


def _paragraph(report: Report, finding: Finding, value: float) -> str:
    aim = missed_aim(finding)
    failed = finding.verdict == FAIL
    limit, name = (finding.bound, "bound") if failed else (aim, "aim")
    if not math.isfinite(value) or not limit:
        return f"Objective {finding.id}: {finding.evidence}."
    text = (
        f"Objective {finding.id}: the value is {value:,.3g} against {limit:,.3g}, {value / limit:.2f} times the {name}."
    )
    return text + _floor_ratio_sentences(report) if finding.id == FLOOR_RATIO else text


def _floor_ratio_sentences(report: Report) -> str:
    """The CPU time of the burst besides its work, the ratio without the load generator, and changes that would help."""
    server = settings_of(report, TUNED).get("server")
    threads = " than gunicorn's threads" if server == "gthread" else ""
    return (
        f"{_other_cpu(report)}{_without_generator(report)} What would change it: a server that spends less CPU on "
        f"HTTP{threads}, and the load generator on another machine."
    )


def _other_cpu(report: Report) -> str:
    other_s = cpu_metrics.other_cpu_s(report.experiment, TUNED, BURST_50)
    if not other_s:
        return ""
    cores = report.experiment.record["environment"]["cpu_count"]
    by_role = ", ".join(f"{ROLES[role]} {cpu_s:.2f} s" for role, cpu_s in other_s.items())
    return f" CPU of the burst that is neither hash nor query, on {plural(cores, 'core')}: {by_role}."


def _without_generator(report: Report) -> str:
    remaining = ratio(
        cpu_metrics.makespan_without_generator_s(report.experiment, TUNED, BURST_50),
        cpu_metrics.cpu_lower_bound_s(report.experiment, TUNED, BURST_50),
    )
    if remaining is None:
        return ""
    return (
        f" Without the load generator's own CPU the ratio would be {remaining:.2f}: an estimate that takes this CPU "
        "time off the duration as if it were spread over all cores."
    )
