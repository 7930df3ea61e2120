"""The gates of a recorded run whose record lacks what ours have, as that of another tool may."""

import pytest

from loadgen import run_gates


@pytest.fixture
def recorded(builder):
    (run,) = builder.experiment(builder.run("tuned")).runs
    return run


@pytest.mark.parametrize("missing", [("processes",), ("generator",), ("processes", "generator"), ("seed", "served")])
def test_a_record_without_a_key_has_its_gates(recorded, missing):
    whole = {gate.name for gate in run_gates.of_recording(recorded.directory, recorded.record)}
    record = {name: value for name, value in recorded.record.items() if name not in missing}
    assert {gate.name for gate in run_gates.of_recording(recorded.directory, record)} == whole


def test_a_record_with_the_seed_left_out_of_an_open_load_has_no_schedule(builder):
    (run,) = builder.experiment(builder.run("tuned", "open-20")).runs
    record = {name: value for name, value in run.record.items() if name != "seed"}
    assert run_gates.of_recording(run.directory, record)
