"""All claims together: the order of the findings, and their verdicts on runs that meet them, invalid ones and none."""

import pytest

from analysis.findings import objectives, pooling, published_report, published_setup, session_storage
from analysis.findings.checklist import CHECKS
from analysis.findings.evaluation import evaluate as evaluate_all
from analysis.findings.finding import FAIL, INVALID, NOT_MEASURED, PASS
from tests.builders import EVALUATIONS, Builder, RunFiles
from workbench.arms import CLAIMED, READS, TUNED
from workbench.recording import Experiment

# The values of a burst that are measurements, beside its duration.
OF_A_BURST = ("success", "requests", "successes", "memory_mib", "connections", "connections_allowed", "busiest_worker")

NOTHING_STORED = {"acknowledged": 9, "stored": 0, "lost": 9, "doubled": 0, "unacknowledged": 0}
EVERY_CLAIM = pytest.mark.parametrize("claim", EVALUATIONS)


def with_all_failures(run: RunFiles) -> RunFiles:
    """An invalid run with everything that a run can show against the system."""
    for row in run.rows:
        row |= {"ok": False, "status": 500, "latency_us": 100 * row["latency_us"], "session_us": 0, "cache": "stale"}
    for row in run.database or ():
        row["value"] = 0.0
    for row in run.pool or ():
        row["limit"] = 7
    run.log = []
    run.record |= {"health": {"pool_profile": {"name": "local", "found_by": "setting"}}}
    run.record |= {"outcome": {"started": True, "message": ""}, "writes": NOTHING_STORED}
    return run.invalid()


def test_evaluate_returns_the_kinds_in_the_order_of_the_views(builder):
    findings = evaluate_all(builder.experiment(builder.run()))
    values = [finding.id for finding in findings if finding.kind == "published-value"]
    ratios = [finding.id for finding in findings if finding.kind == "published-ratio"]
    statements = [statement.id for statement in published_setup.statements()]
    assert [finding.id for finding in findings] == [
        *published_report.load("checklist")["id"],
        *values,
        *ratios,
        *statements,
        *published_report.load("resilience")["id"],
        session_storage.PUBLISHED.id,
        pooling.CLAIM,
        "memory-gevent-8",
        *(
            f"advice-recommendations-{number}"
            for number, _ in enumerate(published_report.rows("recommendations"), start=1)
        ),
        *(f"advice-next-steps-{number}" for number, _ in enumerate(published_report.rows("next_steps"), start=1)),
        *(objective.id for objective in objectives.load()),
        "limit-1-01-as-measured-burst-50",
        "growth-as-measured",
        "growth-tuned",
        "duration-burst-50-as-measured",
        *(f"{value}-burst-50-as-measured" for value in OF_A_BURST),
        *("step-as-measured-to-tuned-without-workers", "step-tuned-without-workers-to-tuned"),
        "step-as-measured-to-tuned",
    ]
    kinds = (
        ["checklist"] * 10
        + ["published-value"] * len(values)
        + ["published-ratio"] * len(ratios)
        + ["published-setup"] * 14
        + ["advice"] * 26
        + ["objective"] * len(objectives.load())
        + ["explanation"] * 3
        + ["measurement"] * (len(OF_A_BURST) + 4)
    )
    assert [finding.kind for finding in findings] == kinds
    assert [finding.claim for finding in findings[:10]] == list(published_report.load("checklist")["claim"])


def test_evaluate_below_four_blocks_gives_no_interval(builder):
    findings = evaluate_all(builder.experiment(builder.run(), builder.run(TUNED)))
    assert {(finding.interval, finding.level) for finding in findings} == {(None, None)}


def test_checks_have_the_ids_of_the_published_checklist():
    assert list(CHECKS) == list(published_report.load("checklist")["id"])


def test_objectives_have_other_ids_than_the_checklist():
    assert len(EVALUATIONS) == len(CHECKS) + len(objectives.load())


@EVERY_CLAIM
def test_claim_on_the_full_experiment_passes(full, claim):
    finding = EVALUATIONS[claim](full)
    assert finding.verdict == (FAIL if claim == "local-database-optimization" else PASS), finding.evidence
    assert finding.runs
    assert finding.evidence


@EVERY_CLAIM
def test_claim_without_its_runs_is_not_measured(evaluate, builder, claim):
    finding = evaluate(claim, builder.run(CLAIMED, READS))
    assert (finding.verdict, finding.effect, finding.runs) == (NOT_MEASURED, None, ())
    assert finding.evidence


@pytest.fixture(scope="module")
def with_invalid(tmp_path_factory, full) -> Experiment:
    """The full experiment, each of its runs after an invalid one of its arm with the opposite result."""
    builder = Builder(tmp_path_factory.mktemp("with-invalid"))
    arms = [(run.deployment, run.scenario) for run in full.runs]
    return builder.experiment(
        *(run for arm in arms for run in (with_all_failures(builder.run(*arm)), builder.run(*arm)))
    )


@EVERY_CLAIM
def test_claim_beside_invalid_runs_is_evaluated_without_them(full, with_invalid, claim):
    expected, finding = EVALUATIONS[claim](full), EVALUATIONS[claim](with_invalid)
    assert (finding.verdict, finding.evidence, finding.effect) == (
        expected.verdict,
        expected.evidence,
        expected.effect,
    )
    assert len(finding.runs) == len(expected.runs)
    valid = {run.name: run.record["valid"] for run in with_invalid.runs}
    assert all(valid[name] for name in finding.runs)


@pytest.fixture(scope="module")
def only_invalid(tmp_path_factory) -> Experiment:
    return Builder(tmp_path_factory.mktemp("only-invalid")).full(invalid=True)


# Claims about no arm in particular have no runs that could be invalid.
OF_NO_ARM = ("aws-rds-auto-detection", "transaction-error-handling", "error-logging-and-monitoring")


@EVERY_CLAIM
def test_claim_with_only_invalid_runs_is_invalid_with_the_reason_of_the_first(only_invalid, claim):
    finding = EVALUATIONS[claim](only_invalid)
    is_named = "generator CPU, share of one core: 0.95, allowed 0.8" in finding.evidence
    verdict = NOT_MEASURED if claim in OF_NO_ARM else INVALID
    assert (finding.verdict, is_named, finding.runs) == (verdict, verdict == INVALID, ())
