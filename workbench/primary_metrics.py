"""Primary metrics: what an experiment declared, before it was measured, that it gives verdicts on."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

KEY = "primary_metrics"  # in the record of an experiment


class PrimaryMetric(NamedTuple):
    """A metric of some arms that gets a verdict.

    `metric` is a column of `analysis.metrics.effect_metrics.EFFECT_METRICS`. `deployments` are those that are compared,
    under `scenario`, each with its own baseline.
    """

    metric: str
    scenario: str
    deployments: tuple[str, ...]


def to_record(primary: Iterable[PrimaryMetric]) -> list[dict]:
    """The primary metrics as the record of an experiment has them."""
    return [{**each._asdict(), "deployments": list(each.deployments)} for each in primary]


def declared(record: Mapping) -> tuple[PrimaryMetric, ...] | None:
    """The primary metrics of an experiment; None for an experiment that declared none, as older versions did not."""
    if record.get(KEY) is None:
        return None
    return tuple(
        PrimaryMetric(entry["metric"], entry["scenario"], tuple(entry["deployments"])) for entry in record[KEY]
    )


def is_primary(primary: Sequence[PrimaryMetric], metric: str, scenario: str, deployment: str) -> bool:
    """True where a metric of a deployment under a scenario gets a verdict."""
    return any(
        (each.metric, each.scenario) == (metric, scenario) and deployment in each.deployments for each in primary
    )
