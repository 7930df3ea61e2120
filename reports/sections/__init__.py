"""The sections of the page, in the order of the published report: each compares published, reproduced and tuned.

Every figure in a sentence is computed from the runs or read from `data/published`. *Reproduced* is our measurement
of `as-measured`, the set-up that the published run really had.
"""

from .bottlenecks import growth, limits, simulated, waits
from .capacity import capacity
from .comparison import BASE, CLAIMED, OURS, Report
from .database import pools_under_load, way_to_database
from .deployments import advice, bursts, taken_away, variants_split
from .effects import deployments, optimisations
from .evidence import evidence
from .infrastructure import pool, schema
from .loads import explanation, individual, load, other_loads
from .requests import caches, sessions, workers
from .verdicts import checklist, conclusion, next_steps, objectives, recommendations, summary, verdict
from .what_if import what_if

__all__ = [
    "BASE",
    "CLAIMED",
    "OURS",
    "Report",
    "advice",
    "bursts",
    "caches",
    "capacity",
    "checklist",
    "conclusion",
    "deployments",
    "evidence",
    "explanation",
    "growth",
    "individual",
    "limits",
    "load",
    "next_steps",
    "objectives",
    "optimisations",
    "other_loads",
    "pool",
    "pools_under_load",
    "recommendations",
    "schema",
    "sessions",
    "simulated",
    "summary",
    "taken_away",
    "variants_split",
    "verdict",
    "waits",
    "way_to_database",
    "what_if",
    "workers",
]
