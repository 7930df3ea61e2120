"""An experiment of two deployments in four blocks, as the lab opens it."""

import pytest

from lab import open_experiment
from lab.lab_experiment import LabExperiment
from tests.builders import Builder
from tests.calibrated_runs import reported_python_ms, spend_cpu
from workbench.arms import BASELINE, TUNED

SPREAD = (1.0, 1.02, 0.98, 1.01)


@pytest.fixture(scope="session")
def exp(tmp_path_factory) -> LabExperiment:
    builder = Builder(tmp_path_factory.mktemp("lab"))
    runs = [
        builder.run(deployment, "burst-50", block=block, slower=spread)
        for deployment in (BASELINE, TUNED)
        for block, spread in enumerate(SPREAD)
    ]
    runs += [builder.run(deployment, "single") for deployment in (BASELINE, TUNED)]
    for deployment in (BASELINE, TUNED):
        steady = builder.run(deployment, "sustained-20")
        steady.record["generator"]["cpu_ms"] = 0.0
        runs.append(spend_cpu(steady, "server", reported_python_ms(steady)))
    return open_experiment(builder.experiment(*runs).directory)
