"""`summary.md` and `junit.xml`: their shape, and that they stay what they are whatever stands in a finding."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from analysis.findings.evaluation import evaluate
from analysis.findings.finding import Finding
from reports import views
from reports.decision import decide, invalid
from reports.pull_request_summary import MAX_BYTES, summary
from tests.builders import Builder
from workbench.arms import TUNED

HOSTILE = "a | b\n| --- | `x` <b>&amp; \x1b[31m\x00\ufffe\ud800 @team token=hunter2"
FINDING = Finding("hostile", "objective", HOSTILE, "fail", HOSTILE, effect=None, n=1, runs=("run",), command="")
VERDICTS = {
    "objective": ("pass", "fail", "not measured", "invalid"),
    "baseline": ("improvement", "regression", "equivalent", "inconclusive", "not measured"),
    "checklist": ("pass", "fail", "not measured"),
    "effect": ("improvement",),
}


def every_verdict():
    return [
        replace(FINDING, id=f"{kind}-{verdict}", kind=kind, claim="claim", evidence="text", verdict=verdict)
        for kind, verdicts in VERDICTS.items()
        for verdict in verdicts
    ]


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    builder = Builder(tmp_path_factory.mktemp("views"))
    return builder.experiment(builder.run(), builder.run(TUNED).invalid())


@pytest.fixture
def written(experiment, tmp_path):
    """Write the views of findings; returns the lines of the summary and the suites."""

    def write(*findings, decision=None):
        views.write(decision or decide(experiment, findings), experiment, findings, tmp_path)
        lines = (tmp_path / "summary.md").read_text(encoding="utf-8").splitlines()
        return lines, ET.parse(tmp_path / "junit.xml").getroot()

    return write


def test_a_hostile_finding_is_one_row_of_the_summary(written):
    lines, _ = written(FINDING)
    place = lines.index("| objective | verdict | measured |")
    rule, row = lines[place + 1 : place + 3]
    assert rule == "| --- | --- | --- |"
    assert row.replace("\\|", "").count("|") == 4
    assert not any(part in row for part in ("\x1b", "\x00", "<b>", "hunter2"))
    assert r"&#64;team token=\*\*\*" in row


def test_a_hostile_finding_is_one_case_of_valid_xml(written):
    _, suites = written(FINDING)
    ((case,),) = suites
    (failure,) = case
    assert "`x` <b>&amp; ��� @team token=***" in failure.get("message")


def test_each_verdict_has_its_element_and_the_counts_are_right(written):
    _, suites = written(*every_verdict())
    outcomes = {suite.get("name"): [[child.tag for child in case] for case in suite] for suite in suites}
    assert outcomes == {
        "objective": [[], ["failure"], ["skipped"], ["error"]],
        "baseline": [[], ["failure"], [], ["error"], ["skipped"]],
        "checklist": [[], ["skipped"], ["skipped"]],
    }
    assert (suites.tag, {suite.tag for suite in suites}) == ("testsuites", {"testsuite"})
    for suite in suites:
        tags = [child.tag for case in suite for child in case]
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.get(attribute) == str(tags.count(tag))
        assert suite.get("tests") == str(len(suite))
        assert all(case.tag == "testcase" and case.get("classname") == suite.get("name") for case in suite)
        assert all(child.get("type") for case in suite for child in case if child.tag != "skipped")
    assert [suites.get(name) for name in ("tests", "failures", "errors")] == ["12", "2", "2"]


def test_an_invalid_decision_is_an_error_also_without_an_experiment(tmp_path):
    views.write(invalid("findings.json was changed", ["tuned-burst"]), None, [], tmp_path)
    assert (tmp_path / "summary.md").read_text() == "**invalid**: findings.json was changed\n\n- tuned-burst\n"
    suites = ET.parse(tmp_path / "junit.xml").getroot()
    ((((error),),),) = suites
    assert (error.get("message"), error.text) == ("findings.json was changed", "tuned-burst")
    assert [suites.get(name) for name in ("tests", "failures", "errors")] == ["1", "0", "1"]


def test_the_summary_of_a_whole_experiment_is_a_comment(full):
    findings = evaluate(full)
    text = summary(decide(full, findings), full, findings)
    assert len(text.encode()) < MAX_BYTES
    assert text.startswith("**pass**: experiment made: all 13 objectives are met (but ")
    assert f"{len(full.usable)} of {len(full.runs)} runs valid; SHA-256 {full.digest[:16]}…" in text
    assert "### What it would take to decide" in text


@pytest.mark.parametrize("text", ["long " * 200, "@|*`" * 300, "\N{SNOWMAN}" * 1000])
def test_a_summary_is_below_its_limit_whatever_its_findings_are(experiment, text):
    findings = [
        replace(each, id=f"{each.id}-{number}", claim=text, evidence=text, effect=1.5, interval=(1.2, 1.9), level=0.95,
                minimum_detectable_effect=1.2, blocks_required=9, minutes_required=4.0)
        for each in every_verdict() for number in range(60)
    ]  # fmt: skip
    made = summary(decide(experiment, findings), experiment, findings)
    assert len(made.encode()) < MAX_BYTES
    assert "more, see `findings.json`." in made
    assert "### Changes against the baseline" in made


def test_what_it_would_take_to_decide_has_blocks_and_minutes(written):
    finding = replace(FINDING, kind="effect", claim="duration", verdict="inconclusive", effect=1.05,
                      interval=(0.9, 1.1), level=0.95, minimum_detectable_effect=1.13, blocks_required=17,
                      minutes_required=8.6)  # fmt: skip
    lines, _ = written(finding)
    assert "| duration | 1.05 (0.90–1.10) | inconclusive | 1 |" in lines
    assert "| duration | 13% | 17, 9 minutes |" in lines


def test_a_broken_objective_has_its_saturated_resource_as_cause(written):
    limit = replace(FINDING, id="limit-run", kind="explanation", claim="saturated resource", verdict="reported",
                    evidence="the worker was the limit")  # fmt: skip
    other = replace(limit, id="limit-other", evidence="the CPU was the limit", runs=("another",))
    lines, _ = written(replace(FINDING, claim="duration", evidence="2.2"), limit, other)
    assert lines[lines.index("### Cause") + 2 :] == ["- saturated resource: the worker was the limit"]


def test_without_a_failure_the_cause_is_the_optimisation_that_is_worth_most(written):
    claim = "duration under burst-50: tuned instead of tuned-without-{}"
    effects = [
        replace(FINDING, id=f"burst-50-tuned-without-{name}-to-tuned-makespan_s", kind="effect",
                claim=claim.format(name), verdict="improvement", evidence=f"{ratio} of it", effect=ratio)
        for name, ratio in (("index", 0.9), ("argon2", 0.2))
    ]  # fmt: skip
    lines, _ = written(replace(FINDING, verdict="pass"), *effects)
    causes = lines[lines.index("### Cause") + 2 :]
    assert causes == [f"- {claim.format('argon2')}: 0.2 of it", f"- {claim.format('index')}: 0.9 of it"]
