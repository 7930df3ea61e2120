"""What fits into a memory limit: what each part of a set-up costs, how many workers fit, and what was predicted."""

from collections.abc import Mapping

import pandas as pd

from analysis.capacity.memory_budget import LIMITS_MIB
from analysis.findings.finding import Finding

from ..markup import Html
from ..numerals import marked, of_finding
from ..tables import Verdict, table
from .comparison import Report, join
from .names import in_labels, set_up

WORKERS, PREDICTIONS = f"workers-in-{LIMITS_MIB[0]}-mib-", "memory-prediction-"
# Column to the part of the id and the form of its finding.
COSTS: Mapping[str, tuple[str, str]] = {
    "master (MiB)": ("memory-master", "{:,.0f}"),
    "a worker (MiB)": ("memory-worker", "{:,.0f}"),
    "its growth under load (MiB)": ("memory-growth", "{:,.1f}"),
    "a hash in flight (MiB)": ("memory-hash", "{:,.0f}"),
    "hashes in flight a worker": ("memory-hashes", "{:,.0f}"),
    "a connection (KiB)": ("memory-connection", "{:,.0f}"),
}
NOTE = (
    "Costs are means over the runs of each set-up in which no process was ended. Each worker has as many hashes in "
    "flight as it can, and its whole pool is open. A connection of 0 KiB is part of the growth."
)


def memory(report: Report) -> Html:
    """The table of what fits, and the predictions beside what was measured; empty where no limit was tried."""
    names = [each.id.removeprefix(WORKERS) for each in report.of_kind("measurement") if each.id.startswith(WORKERS)]
    if not names:
        return Html("")
    rows = [{"set-up": marked(set_up(name)), **_costs(report, name), **_workers(report, name)} for name in names]
    fits = table(pd.DataFrame(rows, dtype=object), "What fits into a memory limit: costs, and workers", note=NOTE)
    return join(fits, _predictions(report))


def _costs(report: Report, name: str) -> dict[str, Html]:
    return {column: of_finding(report.finding(f"{part}-{name}"), form) for column, (part, form) in COSTS.items()}


def _workers(report: Report, name: str) -> dict[str, Html]:
    """How many workers fit into each limit."""
    return {
        f"workers in {_limit(limit_mib)}": of_finding(report.finding(f"workers-in-{limit_mib}-mib-{name}"), "{:,.0f}")
        for limit_mib in LIMITS_MIB
    }


def _limit(limit_mib: int) -> str:
    return f"{limit_mib} MiB" if limit_mib < 1024 else f"{limit_mib // 1024} GiB"


def _predictions(report: Report) -> Html:
    predicted = [each for each in report.of_kind("prediction") if each.id.startswith(PREDICTIONS)]
    if not predicted:
        return Html("")
    return table(pd.DataFrame([_row(each) for each in predicted], dtype=object), "Memory, predicted before the runs")


def _row(finding: Finding) -> dict:
    return {
        "prediction": marked(in_labels(finding.claim), finding.id),
        "verdict": Verdict(finding.verdict),
        "measured": marked(in_labels(finding.evidence), finding.id),
    }
