"""What the gate, its summary, its test report and the page make of an overload and a soak."""

import numpy as np
import pytest

from analysis.findings import fault_findings, objectives, overload_claims, resource_growth
from analysis.findings.overload_claims import finding_id, share_id
from reports.decision import decide
from reports.junit import junit
from reports.pull_request_summary import summary
from reports.sections import verdict as first_screen
from reports.sections.comparison import Report
from tests.analysis.overloads import collapsed, overloaded
from tests.faulted_runs import faulted
from tests.reports.page_reader import page_text
from tests.soak_readings import MIB, with_soak
from workbench.arms import BASELINE, FOR_SOAK, FOR_SOAK_WITH_FILES, LIMITED, SOAK

LEAK = {"application_bytes": 0.1 * MIB}
REFUSED = {"ok": False, "status": 503, "error": "status 503"}


def steady(piece, at_s, number):
    """Serves as many as before the overload, and refuses the others at once."""
    return (2.0, REFUSED) if piece == 1 and number % 5 else (80.0, {})


@pytest.fixture
def evaluated(builder):
    """An experiment of these runs, the findings that can decide, and the decision on them."""

    def evaluate(*runs, **record):
        experiment = builder.experiment(*runs, **record)
        producers = (objectives, fault_findings, overload_claims, resource_growth)
        findings = [finding for each in producers for finding in each.findings(experiment)]
        return experiment, findings, decide(experiment, findings)

    return evaluate


def under_overload(builder, outcome=steady, deployment=LIMITED, times=(1, 5)):
    return [overloaded(builder, deployment, f"overload-{each}", outcome) for each in times]


def soaked(builder, deployment=FOR_SOAK, **changes):
    return with_soak(builder.run(deployment, SOAK), **changes)


def test_decision_on_a_missed_target_under_overload_is_fail(builder, evaluated):
    decision = evaluated(*under_overload(builder, collapsed))[2]
    assert decision.verdict == "fail"
    assert decision.reason.endswith("targets under overload missed")
    assert any("time after the overload" in line for line in decision.lines)


def test_decision_on_an_overload_whose_targets_are_met_is_pass(builder, evaluated):
    decision = evaluated(*under_overload(builder))[2]
    assert decision.verdict == "pass", decision.lines
    assert decision.reason.endswith("none of 8 targets under overload missed")


def test_decision_leaves_out_an_overload_of_published_settings(builder, evaluated):
    decision = evaluated(*under_overload(builder), *under_overload(builder, collapsed, BASELINE))[2]
    assert decision.verdict == "pass", decision.lines


def test_decision_on_five_times_alone_counts_the_share_as_not_measured(builder, evaluated):
    decision = evaluated(*under_overload(builder, times=(5,)))[2]
    assert decision.verdict == "pass", decision.lines
    assert decision.reason.endswith("none of 7 targets under overload missed, 1 more target not measured")


def test_decision_on_an_invalid_overload_is_inconclusive(builder, evaluated):
    first, second = under_overload(builder)
    decision = evaluated(first, second.invalid())[2]
    assert decision.verdict == "inconclusive"


def test_decision_on_an_overload_that_was_not_sent_is_inconclusive(builder, evaluated):
    first, second = under_overload(builder)
    second.record["generator"]["dropped"] = {"warmup": 0, "measure": 1000}
    decision = evaluated(first, second)[2]
    assert decision.verdict == "inconclusive"
    assert "1 of 8 targets under overload invalid" in decision.reason


def test_decision_on_a_resource_that_grows_is_fail(builder, evaluated):
    decision = evaluated(soaked(builder, leaks=LEAK), faulted(builder, "bags-locked"))[2]
    assert decision.verdict == "fail"
    assert decision.reason.endswith("no target missed under 1 fault, 1 of 9 resources in a soak with growth")


def test_decision_on_a_soak_without_growth_is_pass(builder, evaluated):
    decision = evaluated(soaked(builder))[2]
    assert decision.verdict == "pass", decision.lines
    assert decision.reason.endswith(": none of 9 resources in a soak grows")


def test_decision_on_a_resource_that_falls_or_is_inconclusive_is_pass(builder, evaluated):
    run = soaked(builder, leaks={"sessions": -0.2})
    random = np.random.default_rng(1)
    for row in run.resources:
        row["log_bytes"] = int(random.integers(0, 10 * MIB))
    _, findings, decision = evaluated(run)
    assert {"falls", "inconclusive"} <= {finding.verdict for finding in findings}
    assert decision.verdict == "pass", decision.lines


def test_decision_on_an_invalid_soak_is_inconclusive(builder, evaluated):
    assert evaluated(soaked(builder).invalid())[2].verdict == "inconclusive"


def test_decision_leaves_out_a_soak_with_session_files(builder, evaluated):
    runs = [soaked(builder), soaked(builder, FOR_SOAK_WITH_FILES, leaks=LEAK)]
    assert evaluated(*runs)[2].verdict == "pass"


def test_summary_lists_missed_targets_and_what_grows(builder, evaluated):
    experiment, findings, decision = evaluated(*under_overload(builder, collapsed), soaked(builder, leaks=LEAK))
    text = summary(decision, experiment, findings)
    assert "### Targets missed under overload, or not measured" in text
    assert "| fail | never |" in text
    assert "### Resources that grow in a soak, or of which it is open" in text
    assert "| memory of the application" in text
    assert "### Objectives" not in text


def test_junit_fails_what_decides_and_skips_what_does_not(builder, evaluated):
    overloads = [*under_overload(builder), *under_overload(builder, collapsed, BASELINE)]
    soaks = [soaked(builder, leaks=LEAK), soaked(builder, FOR_SOAK_WITH_FILES, leaks=LEAK)]
    _, findings, decision = evaluated(*overloads, *soaks)
    suites = {suite.get("name"): suite for suite in junit(decision, "made", findings)}
    outcomes = {name: [suites[name].get(word) for word in ("failures", "errors")] for name in ("overload", "soak")}
    assert outcomes == {"overload": ["0", "0"], "soak": ["1", "0"]}
    assert int(suites["overload"].get("skipped")) >= 4
    cases = [case.get("name").partition(":")[0] for case in suites["overload"]]
    assert {share_id(LIMITED), finding_id("recovery", 5, LIMITED)} <= set(cases)
    assert finding_id("goodput", 5, LIMITED) not in cases


def test_junit_has_an_error_for_an_invalid_overload(builder, evaluated):
    first, second = under_overload(builder)
    _, findings, decision = evaluated(first, second.invalid())
    suites = {suite.get("name"): suite for suite in junit(decision, "made", findings)}
    assert suites["overload"].get("errors") == "2"


def test_first_screen_names_missed_targets_and_what_grows(builder, evaluated):
    runs = [*under_overload(builder, collapsed), soaked(builder, leaks=LEAK)]
    experiment, findings, _ = evaluated(*runs)
    text = page_text(first_screen(Report(experiment, findings)))
    missed = text.partition("Targets missed under overload:")[2]
    assert "p95 of the reads that were let in" in missed
    assert "goodput at 5 times" in missed
    assert "Resources that grow in a soak: memory of the application (MiB)." in text
