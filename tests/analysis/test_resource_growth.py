"""Findings on a soak: flat without a leak, grows with one, and nothing where too little ended for its age."""

import pytest

from analysis.findings import resource_growth
from analysis.findings.resource_growth import event_id, finding_id
from analysis.soak.watched_resources import RESOURCES
from tests.soak_readings import MIB, with_soak
from workbench.arms import FOR_SOAK, FOR_SOAK_WITH_FILES, SOAK


def found(builder, *runs):
    return {finding.id: finding for finding in resource_growth.findings(builder.experiment(*runs))}


def soaked(builder, deployment=FOR_SOAK, **changes):
    return with_soak(builder.run(deployment, SOAK), **changes)


def test_soak_without_a_leak_has_every_resource_flat(builder):
    findings = found(builder, soaked(builder))
    verdicts = {findings[finding_id(resource.name, FOR_SOAK)].verdict for resource in RESOURCES}
    assert verdicts == {"flat"}


LEAKS = {
    "memory": {"application_bytes": 0.1 * MIB},
    "connections": {"server_connections": 0.05},
    "descriptors": {"descriptors": 0.4},
    "threads": {"threads": 0.1},
    "sessions": {"sessions": 2.5},
    "temporary-files": {"temporary_files": 1.0},
    "log": {"log_bytes": 10_000},
    "store": {"store_bytes": 0.01 * MIB},
    "backends": {"backend_bytes": 0.05 * MIB},
}


@pytest.mark.parametrize("name", LEAKS)
def test_resource_that_leaks_grows_and_no_other_does(builder, name):
    findings = found(builder, soaked(builder, leaks=LEAKS[name]))
    grown = [each.id for each in findings.values() if each.verdict == "grows"]
    assert grown == [finding_id(name, FOR_SOAK)]
    assert findings[grown[0]].interval[0] > 0


def test_soak_in_which_few_connections_were_replaced_is_not_measured(builder):
    findings = found(builder, soaked(builder, recycles_a_second=0.02))
    memory = findings[finding_id("memory", FOR_SOAK)]
    assert memory.verdict == "not measured"
    assert "connections replaced for their age: 4" in memory.evidence
    assert findings[event_id("connections", FOR_SOAK)].effect == 4.0


def test_soak_in_which_no_user_was_signed_out_is_not_measured(builder):
    finding = found(builder, soaked(builder, expired_share=0.0))[finding_id("memory", FOR_SOAK)]
    assert finding.evidence == "too few ends for their age: users who were asked to log in again: 0"


def test_soak_whose_cached_answers_never_end_is_not_measured(builder):
    finding = found(builder, soaked(builder, renewed_every_s=0))[finding_id("memory", FOR_SOAK)]
    assert finding.evidence == "too few ends for their age: cached answers computed anew for their age: 0"


def test_soak_without_a_cache_has_no_count_of_its_answers(builder):
    run = soaked(builder)
    for row in run.rows:
        row["cache"] = "none"
    assert "anew for their age: not counted" in found(builder, run)[finding_id("memory", FOR_SOAK)].evidence


def test_soak_with_session_files_needs_no_user_who_was_signed_out(builder):
    findings = found(builder, soaked(builder, FOR_SOAK_WITH_FILES, expired_share=0.0))
    assert findings[finding_id("memory", FOR_SOAK_WITH_FILES)].verdict == "flat"
    assert event_id("sign-outs", FOR_SOAK_WITH_FILES) not in findings


def test_soak_counts_the_sessions_that_are_gone_at_its_end(builder):
    kept = found(builder, soaked(builder, leaks={"sessions": 1.0}))[event_id("sessions", FOR_SOAK)]
    assert kept.effect < 10
    assert found_removed(builder) > 150


def found_removed(builder):
    run = soaked(builder)
    return {each.id: each for each in resource_growth.findings(builder.experiment(run, name="other"))}[
        event_id("sessions", FOR_SOAK)
    ].effect


def test_soak_that_is_too_short_for_a_slope_is_not_measured(builder):
    finding = found(builder, soaked(builder, seconds=30))[finding_id("memory", FOR_SOAK)]
    assert (finding.verdict, finding.evidence) == ("not measured", "not read, or too few readings")


def test_longest_soak_of_a_deployment_counts(builder):
    short, long = soaked(builder, seconds=120), soaked(builder, leaks=LEAKS["memory"])
    long.record["block"] = 1
    assert found(builder, short, long)[finding_id("memory", FOR_SOAK)].runs == (long.name,)


def test_invalid_soak_is_invalid(builder):
    findings = found(builder, soaked(builder).invalid())
    assert [finding.verdict for finding in findings.values()] == ["invalid"]


def test_experiment_without_a_soak_has_no_finding(builder):
    assert found(builder, builder.run()) == {}
