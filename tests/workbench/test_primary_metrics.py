"""The declaration of primary metrics in the record of an experiment."""

import json

import pytest

from tests.builders import reseal
from workbench import primary_metrics
from workbench.errors import RecordingError
from workbench.primary_metrics import KEY, PrimaryMetric, declared, is_primary, to_record
from workbench.recording import open_experiment

DECLARED = (
    PrimaryMetric("makespan_s", "burst-50", ("tuned", "as-claimed")),
    PrimaryMetric("cpu_ms", "reads", ("tuned",)),
)


def test_what_is_written_is_read_back():
    record = json.loads(json.dumps({KEY: to_record(DECLARED)}))
    assert declared(record) == DECLARED


@pytest.mark.parametrize("record", [{}, {KEY: None}])
def test_a_record_of_an_older_version_declares_nothing(record):
    assert declared(record) is None


def test_an_empty_declaration_is_one_that_gives_no_verdict():
    assert declared({KEY: []}) == ()
    assert not is_primary((), "makespan_s", "burst-50", "tuned")


@pytest.mark.parametrize(
    ("arm", "expected"),
    [
        (("makespan_s", "burst-50", "tuned"), True),
        (("makespan_s", "burst-50", "as-claimed"), True),
        (("makespan_s", "burst-50", "as-advised"), False),
        (("makespan_s", "reads", "tuned"), False),
        (("cpu_ms", "burst-50", "tuned"), False),
        (("cpu_ms", "reads", "tuned"), True),
    ],
)
def test_a_metric_is_primary_for_its_scenario_and_its_deployments_alone(arm, expected):
    assert is_primary(DECLARED, *arm) == expected


@pytest.mark.parametrize(
    "value",
    [
        "makespan_s",
        {},
        [1],
        ["makespan_s"],
        [{"metric": "makespan_s"}],
        [{"metric": 7, "scenario": "burst-50", "deployments": []}],
        [{"metric": "makespan_s", "scenario": "../up", "deployments": ["tuned"]}],
        [{"metric": "makespan_s", "scenario": "burst-50", "deployments": "tuned"}],
        [{"metric": "makespan_s", "scenario": "burst-50", "deployments": [None]}],
    ],
)
def test_a_record_with_a_malformed_declaration_is_named(builder, value):
    experiment = builder.experiment(builder.run())
    path = experiment.directory / "experiment.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {primary_metrics.KEY: value}))
    reseal(experiment.directory)
    with pytest.raises(RecordingError, match="primary_metric") as refused:
        open_experiment(experiment.directory)
    assert str(experiment.directory) in str(refused.value)
    assert len(str(refused.value).splitlines()) <= 2
