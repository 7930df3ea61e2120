"""The words of the page with plain meanings: those of faults, and those of effects, where it has such."""

import pandas as pd

from analysis.findings import effects, fault_findings, overload_claims, resource_growth
from workbench import imported

from ..markup import Html
from ..numerals import marked
from ..tables import table
from .comparison import Report

GENERAL = {
    "–": "not measured",
    "arm": "a set-up under a load; every arm runs once in each block",
    "block": "one pass over the arms in random order",
    "p95": "95 of 100 requests take at most this time",
}
OF_EFFECTS = {
    "A/A": "the same set-up twice in a block; whatever differs is chance",
    "or wider": "after an interval: it is too narrow, as few requests lie beyond the percentile or blocks differ much",
    "blocks required": "number of blocks that show an effect of the margin's size, or equivalence, four times in five",
    "effect": "what a change makes of a time: the ratio with it to without it, compared within blocks",
    "equivalent": "the interval lies within the margin around no difference, after Holm's correction",
    "minimum detectable effect": "the smallest effect that such an experiment finds four times in five",
}
OF_USERS = {
    "CPU lower bound": "the shortest time in which all cores could do the hashes and queries of a burst",
    "loop": "wait for the event loop of a gevent worker, which computed for other requests",
    "measured / published": "no improvement or regression: the published value is of another machine",
    "PSS": "memory of a process, with its share of what it shares with others",
    "queue, rest, residual": "wait for a worker; time in the application that is in no part; neither of both",
    "–": "not measured, or not published",
    "single reads": "closed load: one user alone calls dashboard and search with mixed terms",
    "users at once": "closed load: all start at one instant and make one pass: login, dashboard, search",
    "users with think time": "closed load: each waits 1 to 3 s between two requests",
}
OF_ARMS = {
    "arm": "what was put under load, by its name; every arm runs once in each block",
    "latency": "from the send of a request to the end of its response",
    "response time": "from when a request was due to the end of its response, in open load",
    "queue, rest, residual": "wait for a worker; time in the application that is in no part; neither of both",
}
OF_REPLICATES = {
    "arm": "what was put under load, by its name; every arm runs once in each block, the first one twice",
}
OF_IMPORTS = {
    "arm": "what was put under load, by the name that was given at the import",
    "block": "the results with one number, which was given at the import; their order in time is not recorded",
}
OF_FAULTS = {
    "admission control": "a limit on the requests in a worker; what is beyond it is refused at once",
    "backend": "the process of PostgreSQL that serves one connection",
    "black hole": "nothing passes between application and PostgreSQL, and no connection is closed",
    "dispatch lag": "how late the load generator sends a request; a run in which it is too late is invalid",
    "goodput": "successful responses in time, a second",
    "overload": "more requests than the base rate for some seconds, and then the base rate again",
    "refused": "answered with status 503 and the time after which to try again (Retry-After)",
    "soak": "a steady load for a long time, which shows what grows",
    "Valkey": "the store of sessions and shared answers, beside PostgreSQL; it is compatible with Redis",
    "worker": "a process of the application that serves requests",
}
FAULT_KINDS = (fault_findings.KIND, fault_findings.PUBLISHED_KIND, overload_claims.KIND, resource_growth.KIND)


def glossary(report: Report) -> Html:
    """A row for each word, in the order of the alphabet."""
    words = dict(GENERAL)
    has_faults, has_effects = report.of_kind(*FAULT_KINDS), report.of_kind(effects.KIND)
    if has_faults:
        words |= OF_FAULTS
    if has_effects or report.arms:
        words |= OF_EFFECTS
    if report.arms:
        words |= OF_ARMS | _of_method(report)
    elif has_effects or not has_faults:  # an experiment with faults alone has none of these loads
        words |= OF_USERS
    if report.arms and not _has_replicates(report):
        del words["A/A"]
    rows = [{"word": word, "meaning": marked(words[word])} for word in sorted(words, key=str.lower)]
    return table(pd.DataFrame(rows, dtype=object), "Words of this page")


def _of_method(report: Report) -> dict[str, str]:
    """The words whose meaning depends on how the arms were measured."""
    if imported.is_imported(report.experiment.record):
        return OF_IMPORTS
    return OF_REPLICATES if _has_replicates(report) else {}


def _has_replicates(report: Report) -> bool:
    """True where an arm ran twice in a block, whether its runs are valid or not."""
    return any(run.replicate for run in report.experiment.runs)
