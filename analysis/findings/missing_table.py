"""The runs on a database that lacks a table, and the responses that lacked something there."""

from workbench.arms import BASELINE, MISSING_TABLE, ON_RDS
from workbench.recording import Experiment, Run


def runs_without(experiment: Experiment) -> list[Run]:
    """The runs in which a statement fails in each dashboard request, for want of a table."""
    return [run for deployment in (BASELINE, ON_RDS) for run in experiment.find(deployment, MISSING_TABLE)]


def degraded_lines(run: Run) -> list[dict]:
    """The log lines of responses that lacked a table or a column."""
    return [line for line in run.log if line.get("unavailable")]
