"""The sections of the page, in the order of the published report: each compares published, reproduced and tuned.

Every value in a sentence is computed from the runs or read from `data/published`. *Reproduced* is the measurement of
`as-measured`, the configuration that the published run really had.

To add a section: a function of the report in one of these modules, its name below, and a cell in
`notebooks/03-report.ipynb`.
"""

from .bottlenecks import database_waits, saturated_resources, simulated_bursts, tail_growth
from .capacity import capacity
from .comparison import Report
from .database import database_route, pools_under_load
from .deployments import advice, bursts_by_deployment, leave_one_out, variants_split
from .effects import deployment_effects, optimisation_effects
from .evidence import evidence
from .infrastructure import pool, schema
from .loads import burst, explanation, individual, other_loads
from .recommendations import next_steps, recommendations
from .requests import caches, sessions, workers
from .verdicts import checklist, conclusion, objectives, summary, verdict
from .what_if import what_if

__all__ = [
    "Report",
    "advice",
    "burst",
    "bursts_by_deployment",
    "caches",
    "capacity",
    "checklist",
    "conclusion",
    "database_route",
    "database_waits",
    "deployment_effects",
    "evidence",
    "explanation",
    "individual",
    "leave_one_out",
    "next_steps",
    "objectives",
    "optimisation_effects",
    "other_loads",
    "pool",
    "pools_under_load",
    "recommendations",
    "saturated_resources",
    "schema",
    "sessions",
    "simulated_bursts",
    "summary",
    "tail_growth",
    "variants_split",
    "verdict",
    "what_if",
    "workers",
]
