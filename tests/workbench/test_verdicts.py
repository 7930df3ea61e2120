"""Verdicts of a record that is opened: they follow from its values."""

import pytest

from workbench.validity import DISTURBANCES, LOOP_GAP, OTHERS_CPU, SERVED
from workbench.verdicts import with_verdicts


def record(*gates, shared_machine=False):
    environment = {"shared_machine": shared_machine}
    entries = [gate.record() for gate in gates]
    return {"status": "complete", "valid": True, "reasons": [], "gates": entries, "environment": environment}


@pytest.mark.parametrize("bound", [LOOP_GAP, OTHERS_CPU])
def test_a_disturbed_run_is_not_valid(bound):
    opened = with_verdicts(record(bound.observe(90.0)))
    assert opened["valid"] is False
    assert opened["reasons"] == [bound.evaluate(90.0).reason()]


def test_on_a_shared_machine_a_disturbance_has_no_verdict():
    opened = with_verdicts(record(*(bound.observe(90.0) for bound in DISTURBANCES), shared_machine=True))
    assert (opened["valid"], opened["reasons"]) == (True, [])
    assert [(gate["value"], gate["passed"]) for gate in opened["gates"]] == [(90.0, None)] * len(DISTURBANCES)


def test_on_a_shared_machine_every_other_gate_is_evaluated():
    assert with_verdicts(record(SERVED.evaluate(1), shared_machine=True))["valid"] is False
