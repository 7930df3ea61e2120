"""Reports of whole experiments and of incomplete ones, for the tests of the sections."""

from collections.abc import Callable

import pytest

from analysis.findings.evaluation import evaluate
from reports.sections import Report
from tests.builders import Builder, RunFiles
from tests.reports.gated import gate as gate
from workbench.arms import ADVISED, BASELINE, CLAIMED, TUNED
from workbench.recording import Experiment

FAILING_ARMS = ((BASELINE, "burst-50"), (TUNED, "burst-50"), (ADVISED, "burst-50"), ("tuned-without-cache", "burst-50"),
                (BASELINE, "single"), (TUNED, "single"))  # fmt: skip


def failing(builder: Builder) -> list[RunFiles]:
    """Four blocks of runs in which every request fails."""
    runs = [builder.run(*arm, block=block) for block in range(4) for arm in FAILING_ARMS]
    for run in runs:
        for row in run.rows:
            row |= {"ok": False, "error": "status 503", "status": 503}
    return runs


EXPERIMENTS: dict[str, Callable[[Builder], Experiment]] = {
    "full": lambda builder: builder.full(),
    "without tuned": lambda builder: builder.full(TUNED),
    "without as-measured": lambda builder: builder.full(BASELINE),
    "without as-claimed": lambda builder: builder.full(CLAIMED),
    "without as-advised": lambda builder: builder.full(ADVISED),
    "nothing but failures": lambda builder: builder.experiment(*failing(builder)),
    "one run": lambda builder: builder.experiment(builder.run()),
    "empty": lambda builder: builder.experiment(),
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
