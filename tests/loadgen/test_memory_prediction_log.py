"""Predictions of memory are written before the runs that they are about, from another run of the experiment."""

import json

import pytest

from analysis.capacity.memory_predictions import memory_path
from loadgen import memory_prediction_log
from loadgen.run_spec import RunSpec, run_name
from tests.memory_readings import GROWTH, KERNEL, MASTER, SCRYPT_BYTES, WORKER, with_memory

CONSTRAINED = RunSpec(deployment="constrained-gevent", scenario="burst-50", scale="small", seed=1, block=1)


def idle(builder, deployment):
    """A run that opened no connection, so that its growth is known on any number of cores."""
    return with_memory(builder.run(deployment), connections=(0,) * 8)


def predicted(experiment, spec=CONSTRAINED):
    memory_prediction_log.record(spec, experiment.directory / run_name(spec))
    path = memory_path(experiment.directory, run_name(spec))
    return json.loads(path.read_text()) if path.exists() else None


def test_record_predicts_the_peak_from_a_run_with_such_processes(builder):
    experiment = builder.experiment(idle(builder, "as-measured"), idle(builder, "as-advised"))
    content = predicted(experiment)
    assert content["run"] == "2-01-constrained-gevent-burst-50"
    assert (content["base"], content["limit_mib"]) == ("1-02-as-advised-burst-50", 512)
    workers = 8 * (WORKER + KERNEL + GROWTH + SCRYPT_BYTES)
    assert content["peak_bytes"] == pytest.approx(MASTER + KERNEL + workers)


def test_record_takes_a_run_under_the_same_scenario_before_an_earlier_one(builder):
    other = with_memory(builder.run("as-advised", "reads"), connections=(0,) * 8)
    experiment = builder.experiment(other, idle(builder, "as-advised"))
    assert predicted(experiment)["base"] == "1-02-as-advised-burst-50"


def test_record_keeps_a_file_that_exists(builder):
    experiment = builder.experiment(idle(builder, "as-advised"))
    path = memory_path(experiment.directory, run_name(CONSTRAINED))
    path.parent.mkdir()
    path.write_text('"as it was"')
    assert predicted(experiment) == "as it was"


@pytest.mark.parametrize("deployment", ["as-measured", "tuned-with-gevent", "constrained-gevent"])
def test_record_without_a_run_of_another_arm_with_such_processes_writes_nothing(builder, deployment):
    assert predicted(builder.experiment(idle(builder, deployment))) is None


def test_record_of_a_deployment_without_a_limit_writes_nothing(builder):
    experiment = builder.experiment(idle(builder, "as-advised"))
    spec = RunSpec(deployment="as-advised", scenario="burst-50", scale="small", seed=1, block=1)
    assert predicted(experiment, spec) is None


def test_record_after_the_start_of_the_run_writes_nothing(builder):
    experiment = builder.experiment(idle(builder, "as-advised"))
    (experiment.directory / run_name(CONSTRAINED)).mkdir()
    assert predicted(experiment) is None
