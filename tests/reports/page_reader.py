"""Reads the page back: the text of a section, the cells of its tables, and the sections themselves."""

import re
from collections.abc import Callable
from functools import partial
from html import unescape

from reports import sections
from reports.markup import Html
from reports.sections import (
    Report,
    bottlenecks,
    capacity,
    charts,
    database,
    deployments,
    effects,
    evidence,
    infrastructure,
    loads,
    missed_objectives,
    query_plans,
    recommendations,
    requests,
    what_if,
)
from reports.sections.comparison import join
from workbench.recording import Experiment

TAG = re.compile(r"<[^>]*>")
SPOKEN = re.compile(r'<span class="spoken">.*?</span>')  # the reason of a dash, for screen readers
INLINE_TAG = re.compile(r"</?(?:span|b|strong|code)\b[^>]*>")
CELL = re.compile(r"<(t[hd])[^>]*>(.*?)</\1>", re.DOTALL)
MISSING_VALUE = re.compile(r"\b(None|nan|NaN|NaT|inf)\b")
PUBLISHED_USERS = (25, 50)
Section = Callable[[Report], Html]

# The sections of the page in its order.
SECTIONS: dict[str, Section] = {
    "verdict": sections.verdict,
    "advice": sections.advice,
    "why": sections.why,
    "changes": sections.changes,
    "published": sections.published,
    "users": sections.users,
    "faults": sections.faults,
    "claims": sections.claims,
    "trust": sections.trust,
}
# What stands in their folds.
FOLDED: dict[str, Section] = {
    "saturated resources": bottlenecks.saturated_resources,
    "growth of the tail": bottlenecks.tail_growth,
    "simulated bursts": bottlenecks.simulated_bursts,
    "database waits": bottlenecks.database_waits,
    "capacity": capacity.capacity,
    "database route": database.database_route,
    "query plans": query_plans.query_plans,
    "variants": deployments.variants_split,
    "bursts by deployment": deployments.bursts_by_deployment,
    "advice for production": deployments.advice,
    "effects of deployments": effects.deployment_effects,
    "effects of optimisations": effects.optimisation_effects,
    "effects on reads": effects.read_effects,
    "evidence": evidence.evidence,
    "pool": infrastructure.pool,
    "schema": infrastructure.schema,
    "single requests": loads.individual,
    "other loads": loads.other_loads,
    **{f"burst {users}": partial(loads.burst, users=users) for users in PUBLISHED_USERS},
    "missed objectives": lambda report: join(*missed_objectives.missed_objectives(report)),
    "recommendations": recommendations.recommendations,
    "caches": requests.caches,
    "sessions": requests.sessions,
    "workers": requests.workers,
    "predictions": what_if.what_if,
    "timeline": charts.timeline,
    "time by part": charts.where_time_goes,
    "growth": charts.growth,
    "percentiles": charts.percentiles,
}


def report_of(experiment: Experiment) -> Report:
    """A report without findings, for sections that show none."""
    return Report(experiment, [])


def page_text(html: Html) -> str:
    """The text of a piece of the page, without tags; elements that are not in a line are apart by one space."""
    return " ".join(unescape(TAG.sub(" ", INLINE_TAG.sub("", SPOKEN.sub("", str(html))))).split())


def table_rows(html: Html, caption: str) -> list[list[str]]:
    """The texts of the one table whose caption contains `caption`, row by row, the head first."""
    tables = re.findall(r"<table\b.*?</table>", str(html), re.DOTALL)
    (table,) = (part for part in tables if caption in page_text(Html(part.partition("</caption>")[0])))
    rows = re.findall(r"<tr\b[^>]*>(.*?)</tr>", table, re.DOTALL)
    return [[unescape(TAG.sub("", SPOKEN.sub("", cell))) for _, cell in CELL.findall(row)] for row in rows]


def table_cells(html: Html, caption: str) -> dict[str, dict[str, str]]:
    """The cells of that table: row name to column to text."""
    head, *rows = table_rows(html, caption)
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


def column(rows: dict[str, dict[str, str]], name: str) -> dict[str, str]:
    """One column of `table_cells`: row name to text."""
    return {row: cells[name] for row, cells in rows.items()}
