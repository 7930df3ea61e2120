"""Arms of a profile that an experiment left out, because its machine lacks a program that they need."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

KEY = "left_out"  # in the record of an experiment


class LeftOutArm(NamedTuple):
    """An arm that was not run, and why."""

    deployment: str
    scenario: str
    reason: str


def to_record(arms: Iterable[LeftOutArm]) -> list[dict[str, str]]:
    """The arms as the record of an experiment has them."""
    return [arm._asdict() for arm in arms]


def reason_for(record: Mapping, deployment: str, scenarios: Iterable[str]) -> str:
    """Why an experiment left out a deployment under one of these scenarios; empty where it did not."""
    arms = (LeftOutArm(**entry) for entry in record.get(KEY) or ())
    return next((arm.reason for arm in arms if arm.deployment == deployment and arm.scenario in scenarios), "")
