"""What the history needs of one experiment, so that its rows are read once only."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from workbench.declared_arms import KEY
from workbench.recording import Experiment

from .. import environment_facts
from ..environment_facts import Facts
from ..stats.confidence import Estimate
from .experiment_row import row_of
from .headline_values import METRICS, Code, HeadlineValue, headline_values, loads

INCOMPLETE, INVALID = "incomplete", "without a valid run"  # why an experiment enters no series


@dataclass(frozen=True)
class ExperimentSummary:
    """An experiment in the history.

    row: its row in the table of experiments
    subject: its profile, or the application that a file declares
    facts: `analysis.environment_facts.facts_of`
    loads: by scenario, what decides on the load
    values: its headline values; empty where it enters no series
    left_out: why it enters none
    declares_arms: whether its arms have names of a user's own
    """

    row: Mapping[str, Any]
    subject: str
    facts: Facts
    loads: Mapping[str, Facts]
    values: tuple[HeadlineValue, ...]
    left_out: str = ""
    declares_arms: bool = False

    @classmethod
    def of(cls, experiment: Experiment) -> "ExperimentSummary":
        """Summarise an experiment whose own files are as they were sealed."""
        application = (experiment.record.get(KEY) or {}).get("application") or {}
        left_out = "" if experiment.is_complete() else INCOMPLETE
        if not left_out and not experiment.usable:
            left_out = INVALID
        return cls(
            row_of(experiment),
            str(application.get("name") or experiment.record["profile"]),
            environment_facts.facts_of(experiment),
            loads(experiment),
            () if left_out else tuple(headline_values(experiment)),
            left_out,
            KEY in experiment.record,
        )

    @property
    def name(self) -> str:
        """The name of the experiment."""
        return self.row["experiment"]

    def stored(self) -> dict[str, Any]:
        """The summary as JSON has it."""
        return asdict(self)

    @classmethod
    def from_stored(cls, content: Mapping[str, Any]) -> "ExperimentSummary":
        """Read it back. Raises KeyError, TypeError or ValueError for another shape."""
        values = tuple(_value(stored) for stored in content["values"])
        if missing := {"machine", "started", "experiment"} - content["row"].keys():
            raise ValueError(f"the row lacks {', '.join(missing)}")
        return cls(**{**content, "values": values})


def _value(stored: Mapping[str, Any]) -> HeadlineValue:
    value = HeadlineValue(**{**stored, "estimate": Estimate(**stored["estimate"]), "code": Code(**stored["code"])})
    if value.metric not in METRICS:
        raise ValueError(f"{value.metric} is no metric")
    return value
