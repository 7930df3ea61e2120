"""Objectives that were missed: by how much, what the machine was busy with, and what would change it."""

from analysis.findings.finding import Finding
from analysis.metrics import cpu_metrics

from ..tables import Html
from .comparison import OURS, Report, prose, ratio, settings_of
from .loads import ROLES

BURST = "burst-50"
FLOOR = "tuned-floor"


def missed(report: Report) -> list[Html]:
    """A paragraph for each failed objective that has a figure and a bound."""
    failed = [f for f in report.findings if f.kind == "objective" and f.verdict == "fail"]
    return [prose(_paragraph(report, finding)) for finding in failed if finding.effect is not None and finding.bound]


def _paragraph(report: Report, finding: Finding) -> str:
    text = (
        f"Missed: {finding.claim}. The figure is {finding.effect:,.4g} against {finding.bound:,.4g}, "
        f"{finding.effect / finding.bound:.2f} times the bound."
    )
    return text + _of_the_floor(report) if finding.id == FLOOR else text


def _of_the_floor(report):
    """The CPU of the burst that is not its work, what is left without the load generator, and what would change it."""
    beside_s = cpu_metrics.beside_work_s(report.experiment, OURS, BURST)
    cores = report.experiment.record["environment"]["cpu_count"]
    text = ""
    if beside_s:
        spent = ", ".join(f"{ROLES[role]} {spent_s:.2f} s" for role, spent_s in beside_s.items())
        text += f" CPU of the burst that is neither hash nor query, on {cores} cores: {spent}."
    remaining = ratio(
        cpu_metrics.without_generator_s(report.experiment, OURS, BURST),
        cpu_metrics.floor_s(report.experiment, OURS, BURST),
    )
    if remaining is not None:
        text += (
            f" Without the load generator's own CPU the ratio would be {remaining:.2f}: an estimate, for which that "
            "CPU is taken off the duration as if it were spread over all cores."
        )
    return text + f" What would change it: {_front(report)}and the load generator on another machine."


def _front(report):
    if settings_of(report, OURS).get("server") != "gthread":
        return "a server that spends less CPU on HTTP, "
    return "a server that spends less CPU on HTTP than gunicorn's threads, "
