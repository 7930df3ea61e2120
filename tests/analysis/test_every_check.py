"""Every claim, published or ours: that it holds where it should, and is not measured where nobody looked."""

import pytest

from analysis.findings import objectives
from analysis.findings.checklist import CHECKS
from analysis.metrics import published_report
from tests.builders import EVERY
from workbench.recording import Experiment

BY_ID = pytest.mark.parametrize("name", EVERY)


def spoil(run):
    """Everything that a run can say against the system, in a run that cannot be believed."""
    for row in run.rows:
        row |= {"ok": False, "status": 500, "latency_us": 100 * row["latency_us"], "session_us": 0, "cache": "stale"}
    for row in run.database or ():
        row["value"] = 0.0
    for row in run.pool or ():
        row["limit"] = 7
    run.log = []
    run.record |= {"health": {"pool_profile": {"name": "local", "found_by": "setting"}}}
    run.record |= {"outcome": {"started": True, "said": ""}, "writes": {"acknowledged": 9, "stored": 0, "lost": 9}}
    return run.invalid()


def test_every_published_id_has_a_check_and_every_check_a_published_id():
    assert list(CHECKS) == list(published_report.load("checklist")["id"])


def test_no_objective_has_the_id_of_another_claim():
    assert len(EVERY) == len(CHECKS) + len(objectives.load())


@BY_ID
def test_a_claim_holds_on_the_full_experiment(full, name):
    judgement = EVERY[name](full)
    assert judgement.passed is (name != "local-database-optimization"), judgement.evidence
    assert judgement.runs
    assert judgement.evidence


@BY_ID
def test_without_its_runs_a_claim_is_not_measured(judge, made, name):
    judgement = judge(name, made.run("as-claimed", "reads"))
    assert (judgement.passed, judgement.effect, judgement.runs) == (None, None, ())
    assert judgement.evidence


@pytest.fixture(scope="module")
def with_invalid(tmp_path_factory, builder, full) -> Experiment:
    """The full experiment, each of its runs after one of its arm that is invalid and says the opposite."""
    made = builder(tmp_path_factory.mktemp("with-invalid"))
    arms = [(run.deployment, run.scenario) for run in full.runs]
    return made.experiment(*(run for arm in arms for run in (spoil(made.run(*arm)), made.run(*arm))))


@BY_ID
def test_invalid_runs_never_enter(full, with_invalid, name):
    alone, beside = EVERY[name](full), EVERY[name](with_invalid)
    assert (beside.passed, beside.evidence, beside.effect) == (alone.passed, alone.evidence, alone.effect)
    assert len(beside.runs) == len(alone.runs)
    assert all(run.record["valid"] for run in beside.runs)


@pytest.fixture(scope="module")
def only_invalid(tmp_path_factory, builder) -> Experiment:
    return builder(tmp_path_factory.mktemp("only-invalid")).full(invalid=True)


@BY_ID
def test_on_invalid_runs_alone_a_claim_is_not_measured(only_invalid, name):
    judgement = EVERY[name](only_invalid)
    assert (judgement.passed, judgement.runs) == (None, ())
