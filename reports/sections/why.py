"""Why latency grows: the staircase of one burst, and the waterfall from the published set-up to the tuned one."""

from analysis.figures.waterfall_chart import waterfall as draw_waterfall
from analysis.waterfall import LATENCY, waterfall
from workbench.arms import BASELINE, BURST_50, TUNED

from ..markup import Html
from ..numerals import of_finding, sentence
from ..svg import inline
from ..tables import behind
from . import bottlenecks, charts, database, deployments, query_plans
from .comparison import Report, beside, join, prose


def why(report: Report) -> Html:
    """A sentence, the staircase, the waterfall, and what they rest on; empty without any load to explain."""
    drawn = [figure for figure in (charts.timeline(report), _waterfall(report)) if str(figure)]
    folds = behind(
        ("time by endpoint and in the tail", charts.where_time_goes(report)),
        ("saturated resources", bottlenecks.saturated_resources(report)),
        ("growth of the tail", bottlenecks.tail_growth(report)),
        ("predictions from single requests", join(charts.growth(report), bottlenecks.simulated_bursts(report))),
        ("database", join(bottlenecks.database_waits(report), database.database_route(report))),
        ("query plans", query_plans.query_plans(report)),
        ("every variant of tuned", deployments.variants_split(report)),
    )
    if not drawn and report.arms:  # their loads are their own, and no burst of 50 users is expected of them
        return folds
    if not drawn:
        return join(prose("No burst of 50 users was measured."), folds) if str(folds) else folds
    return join(_sentence(report), beside(*drawn) if len(drawn) == 2 else join(*drawn), folds)


def _sentence(report: Report) -> Html:
    """One worker and its work: the product, beside what was measured."""
    work, measured = report.finding(f"work-{BASELINE}"), report.finding(f"duration-{BURST_50}-{BASELINE}")
    queue, latency = report.finding("part-queue"), report.finding(f"part-{LATENCY}")
    if work is None or work.effect is None or measured is None or queue is None or latency is None:
        return Html("")
    changes = waterfall(report.experiment, BASELINE, TUNED, BURST_50)
    share = changes["queue"].before_ms / changes[LATENCY].before_ms
    text = sentence(
        "All users of the published set-up wait for one worker, which has {work} of work for each: 50 × {work} = "
        "{sum}; measured {measured}. This wait is {share} of the time of a request.",
        work=of_finding(work, "{:.0f} ms"), sum=of_finding(work, "{:.1f} s", 50 * work.effect / 1000),
        measured=of_finding(measured, "{:.1f} s"), share=of_finding(queue, "{:.0%}", share),
    )  # fmt: skip
    return Html(f"<p>{text}</p>")


def _waterfall(report: Report) -> Html:
    changes = waterfall(report.experiment, BASELINE, TUNED, BURST_50)
    if not changes:
        return Html("")
    return inline(
        lambda: draw_waterfall(changes, BASELINE, TUNED),
        "waterfall",
        "What the tuned set-up saves of a request's mean time",
        "Means of the three requests of a user; lines are 95 % intervals. Nothing explains the residual.",
        is_half=True,
    )
