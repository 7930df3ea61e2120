"""The statements of a deployment: which of its runs has the plan, and two deployments side by side."""

import pytest

from analysis.deployment_plans import ExperimentPlans, application_ms
from analysis.findings import plan_explanations
from tests.recorded_plans import AGGREGATED, MEASURED, SEARCH, compared_plans


def statements_of(experiment, deployment):
    return ExperimentPlans(experiment).statements(deployment)


def pairs(experiment, before, after):
    return ExperimentPlans(experiment).pairs(before, after)


def generic(plan, **fields):
    return {name: value for name, value in plan.items() if name != "execution_ms"} | fields


def test_the_run_with_the_executed_plan_has_the_statement(builder):
    first, second = (builder.run("as-measured", "reads", block=block) for block in range(2))
    first.plans = [generic(MEASURED[0], calls=100, share=0.9)]
    second.plans = [MEASURED[0]]
    statement = statements_of(builder.experiment(first, second), "as-measured")[SEARCH]
    assert statement.kind == "executed"
    assert (statement.run.block, statement.plan.calls) == (1, MEASURED[0]["calls"])


def test_without_an_executed_plan_the_run_with_the_largest_share_counts(builder):
    first, second = (builder.run("as-measured", "reads", block=block) for block in range(2))
    first.plans, second.plans = [generic(MEASURED[0], share=0.1)], [generic(MEASURED[0], share=0.2)]
    statement = statements_of(builder.experiment(first, second), "as-measured")[SEARCH]
    assert (statement.run.block, statement.kind) == (1, "generic")


def test_statements_come_by_their_share_with_the_share_of_the_time_of_requests(builder):
    experiment = compared_plans(builder)
    statements = statements_of(experiment, "as-measured")
    assert list(statements)[:2] == [SEARCH, AGGREGATED]
    (run,) = experiment.runs_of("as-measured")
    total_ms = run.requests["app_ms"].sum()
    assert application_ms(run) == pytest.approx(total_ms)
    assert statements[SEARCH].request_share == pytest.approx(MEASURED[0]["total_ms"] / total_ms)


def test_a_run_on_changed_data_and_one_that_is_not_valid_have_no_say(builder):
    changed, invalid = builder.run("as-measured", "missing-table"), builder.run("as-measured", "reads").invalid()
    changed.plans = MEASURED
    assert statements_of(builder.experiment(changed, invalid), "as-measured") == {}


def test_damaged_plans_are_left_out(builder):
    run = builder.run("as-measured", "reads")
    run.plans = [{"statement": 7}]
    assert statements_of(builder.experiment(run), "as-measured") == {}


def test_statements_of_two_deployments_are_pairs(builder):
    search, aggregated = (pair for pair in pairs(compared_plans(builder), "as-measured", "as-measured-with-trigram")
                          if pair.is_large)  # fmt: skip
    assert (search.statement, search.is_measured, search.change.is_same) == (SEARCH, True, False)
    assert (aggregated.statement, aggregated.after, aggregated.change) == (AGGREGATED, None, None)


def test_a_changed_plan_explains_the_deployment(builder):
    experiment = compared_plans(builder)
    (finding,) = plan_explanations.findings(experiment)
    assert (finding.id, finding.kind, finding.verdict) == ("plan-as-measured-with-trigram", "explanation", "reported")
    assert "Parallel Seq Scan on bag → Bitmap Index Scan using bag_qr_id_trigram" in finding.evidence
    assert "blocks" in finding.evidence
    assert 0 < finding.effect < 0.1
    assert finding.runs == tuple(run.name for run in experiment.runs)


def test_without_another_plan_nothing_is_explained(builder):
    same = builder.run("as-measured-with-no-pool", "reads")
    same.plans = MEASURED
    assert list(plan_explanations.findings(builder.experiment(builder.run("as-measured", "reads"), same))) == []
    assert list(plan_explanations.findings(builder.experiment(name="empty"))) == []


def test_plans_with_other_values_explain_nothing(builder):
    measured, trigram = (builder.run(name, "reads") for name in ("as-measured", "as-measured-with-trigram"))
    trigram.plans = [plan | {"values": {"word": "%other%"}} for plan in trigram.plans]
    experiment = builder.experiment(measured, trigram)
    (search,) = (
        pair for pair in pairs(experiment, "as-measured", "as-measured-with-trigram") if pair.statement == SEARCH
    )
    assert (search.is_measured, search.change.is_same) == (False, False)
    assert list(plan_explanations.findings(experiment)) == []


def test_plans_with_the_same_values_are_compared_where_there_are_several(builder):
    other, tuned = builder.run("as-measured", "burst-50"), builder.run("tuned", "reads")
    other.plans = [MEASURED[0] | {"values": {"word": "%BAG%"}, "share": 0.99}]
    tuned.plans = [tuned.plans[0] | {"values": MEASURED[0]["values"]}]
    experiment = builder.experiment(other, builder.run("as-measured", "reads"), tuned)
    (search, *_) = pairs(experiment, "as-measured", "tuned")
    assert (search.before.run.scenario, search.is_measured) == ("reads", True)
