"""The published set-up and its variant with a trigram index, with plans that PostgreSQL made of their statements."""

from tests.builders import RECORDED_PLANS, Builder
from workbench.recording import Experiment

MEASURED, TRIGRAM, TUNED_PLANS = (RECORDED_PLANS[name] for name in ("as-measured", "as-measured-with-trigram", "tuned"))
SEARCH, AGGREGATED = (plan["statement"] for plan in MEASURED[:2])


def nodes(plans: list[dict], statement: str = SEARCH) -> list[dict]:
    """The nodes of the plan of a statement."""
    return next(plan["nodes"] for plan in plans if plan["statement"] == statement)


def compared_plans(builder: Builder) -> Experiment:
    """Both under single reads; the variant has the plan of the search only."""
    measured, trigram = (builder.run(name, "reads") for name in ("as-measured", "as-measured-with-trigram"))
    trigram.plans = [plan for plan in TRIGRAM if plan["statement"] == SEARCH]
    return builder.experiment(measured, trigram)
