"""Reports of whole experiments and of incomplete ones, for the tests of the sections."""

from collections.abc import Callable

import pytest

from analysis.findings.evaluation import evaluate
from reports.sections import Report
from tests.builders import Builder
from tests.reports.gated import gate as gate
from workbench.arms import BASELINE, TUNED
from workbench.recording import Experiment

EXPERIMENTS: dict[str, Callable[[Builder], Experiment]] = {
    "full": lambda builder: builder.full(),
    "without tuned": lambda builder: builder.full(TUNED),
    "without as-measured": lambda builder: builder.full(BASELINE),
    "without a valid run": lambda builder: builder.full(invalid=True),
    "cut off": lambda builder: builder.experiment(builder.run().cut_off(), not_started=("1-02-tuned-burst-50",)),
    "without a run": lambda builder: builder.experiment(not_started=("1-01-tuned-burst-50",)),
}


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Report]:
    """The report of an experiment by its name in `EXPERIMENTS`; each is built once, when it is first needed."""
    built: dict[str, Report] = {}

    def report(name: str) -> Report:
        if name not in built:
            experiment = EXPERIMENTS[name](Builder(tmp_path_factory.mktemp("experiment")))
            built[name] = Report(experiment, evaluate(experiment))
        return built[name]

    return report
