"""Endpoints that a file names and no request had: most often their name is not right."""

import pandas as pd

from workbench.aggregates import READS
from workbench.declared_arms import KEY
from workbench.recording import Experiment

ALL = "*"  # the rule of all endpoints that have none of their own
MAX_NAMES = 10


def unused_success_rules(experiment: Experiment) -> list[str]:
    """A sentence for each rule of an experiment with arms whose endpoint had no measured request."""
    rules = (experiment.record.get(KEY) or {}).get("success") or {}
    if not rules or not experiment.usable:
        return []
    endpoints = set(experiment.by_arm["endpoint"])
    return [
        f'[success."{rule}"] applied to no request: {measured_endpoints(experiment.by_arm)}'
        for rule in rules
        if rule != ALL and rule not in endpoints
    ]


def measured_endpoints(by_arm: pd.DataFrame) -> str:
    """The endpoints of a table by arm as the end of a sentence, the first ones by name."""
    names = sorted({*by_arm["endpoint"]} - {READS})
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"the measured endpoints are {', '.join(names[:MAX_NAMES])}{more}"
