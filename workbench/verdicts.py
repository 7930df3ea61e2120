"""The verdicts of a run's record, made anew from the values in it: a stored verdict counts for nothing."""

from typing import Any

from .validity import BOUNDS

COMPLETE, RUNNING = "complete", "running"


def with_verdicts(record: dict[str, Any]) -> dict[str, Any]:
    """The record of a run with `passed` of its gates, `reasons` and `valid` as they follow from its values.

    A gate that this version does not know can only fail. A run that was recorded as not valid without a gate that says
    why keeps its reasons: it contradicts itself, and enters no metric.
    """
    gates = [_gate(gate) for gate in record.get("gates", [])]
    failed = [_reason(gate) for gate in gates if gate["passed"] is False]
    reasons = _reasons(record, gates, failed)
    valid = None if record["status"] == RUNNING else record["status"] == COMPLETE and not reasons
    verdicts = {"valid": valid, "reasons": reasons}
    return record | verdicts | ({"gates": gates} if "gates" in record else {})


def _reasons(record: dict[str, Any], gates: list[dict[str, Any]], failed: list[str]) -> list[str]:
    """The reasons of the gates that fail, after those stored ones that no gate gives: why a run was aborted."""
    if record["status"] == COMPLETE and record["valid"] is not False:
        return failed
    stored, names = record["reasons"], tuple(gate["name"] for gate in gates)
    if failed:
        return [*(reason for reason in stored if not (names and reason.startswith(names))), *failed]
    if record["status"] == COMPLETE and not stored:
        return ["it is recorded as not valid, and its gates do not say why"]
    return stored


def _gate(gate: dict[str, Any]) -> dict[str, Any]:
    """The gate with the threshold and the verdict of today's bound of its name."""
    if bound := BOUNDS.get(gate["name"]):
        return bound.evaluate(gate["value"]).record()
    return gate | {"passed": False if gate["passed"] is False else None}


def _reason(gate: dict[str, Any]) -> str:
    if bound := BOUNDS.get(gate["name"]):
        return bound.evaluate(gate["value"]).reason()
    return f"{gate['name']}: {gate['value']}"
